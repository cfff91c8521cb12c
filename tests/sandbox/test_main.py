"""The command line, run as its users run it: what it starts, it ends."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.accounts import BUYER
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import ROOT, choose_port
from tests.waiting import eventually

Ports = tuple[int, int]


@pytest.fixture
def ports() -> Ports:
    return choose_port(0), choose_port(0)


@contextmanager
def running_chains(ports: Ports) -> Iterator[subprocess.Popen[str]]:
    """`python -m sandbox chains`, once it has printed both addresses."""
    command = [sys.executable, "-m", "sandbox", "chains", "--base-port", str(ports[0]), "--tempo-port", str(ports[1])]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as launcher:
        try:
            assert launcher.stdout
            lines = [launcher.stdout.readline() for _ in ports]
            assert [re.findall(r":(\d+)$", line.strip()) for line in lines] == [[str(port)] for port in ports]
            yield launcher
        finally:
            launcher.kill()


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_chains_are_there_for_others(ports: Ports) -> None:
    with running_chains(ports):
        for kind, port in zip((BaseChain, TempoChain), ports, strict=True):
            with kind.connect(f"http://127.0.0.1:{port}") as chain:
                assert chain.is_running()
                assert chain.balance_of(BUYER.address) > 50_000


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_ends_everything_and_is_content(ports: Ports, stop: signal.Signals) -> None:
    with running_chains(ports) as launcher:
        launcher.send_signal(stop)
        assert launcher.wait(timeout=10) == 0
        assert not any(map(listening, ports))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_killed_it_leaves_nothing_behind(ports: Ports) -> None:
    with running_chains(ports) as launcher:
        children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
        assert len(children) == 3  # two nodes and the shim
        launcher.kill()
        launcher.wait(timeout=10)
        assert eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
        assert not any(map(listening, ports))


def test_chains_that_stand_already_are_used_and_left_running(ports: Ports) -> None:
    with running_chains(ports):
        with running_chains(ports) as second:
            second.send_signal(signal.SIGINT)
            assert second.wait(timeout=10) == 0
        assert all(map(listening, ports))


def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "sandbox", "serve", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == f"Port {port} is in use by another program. Stop it, or choose another port.\n"


def test_help_lists_the_commands() -> None:
    done = subprocess.run([sys.executable, "-m", "sandbox"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "serve" in done.stdout
    assert "chains" in done.stdout
