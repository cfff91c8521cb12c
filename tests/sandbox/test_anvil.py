"""Finding the anvil binary and starting it."""

import socket
from pathlib import Path

import pytest

from sandbox.anvil import anvil, binary
from sandbox.process import SandboxError


def test_a_missing_binary_names_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="make setup"):
        binary(tmp_path)


def test_a_taken_port_is_an_error_not_a_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SandboxError, match=f"Port {port} is in use"), anvil(31337, port=port):
            pass
