"""A runner reads from its socket whether other hosts can reach it."""

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from runners.listen_address import reachable_address, require_token


def _worker_of(listening: socket.socket) -> Sequence[str]:
    """The arguments with which BentoML starts a worker."""
    return ["service.py", "service:It", "--fd", str(listening.fileno()), "--service-name", "It"]


@pytest.mark.parametrize(
    ("family", "host", "reachable"),
    [
        (socket.AF_INET, "127.0.0.1", None),
        (socket.AF_INET, "127.0.0.2", None),
        (socket.AF_INET, "0.0.0.0", "0.0.0.0"),  # noqa: S104  # it is only bound, nobody listens
        (socket.AF_INET6, "::1", None),
        (socket.AF_INET6, "::", "::"),
    ],
)
def test_an_address_that_other_hosts_can_reach_is_reported(family: int, host: str, reachable: str | None) -> None:
    with socket.socket(family) as listening:
        listening.bind((host, 0))
        assert reachable_address(_worker_of(listening)) == reachable
        assert listening.getsockname()[0] == host, "its socket is still open"


def test_other_hosts_cannot_reach_a_unix_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "it.sock"))
        assert reachable_address(_worker_of(listening)) is None


def test_without_a_socket_no_token_is_required() -> None:
    assert reachable_address(["pytest"]) is None
    require_token(None)
