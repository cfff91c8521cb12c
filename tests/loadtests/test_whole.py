"""Load tests against the whole service, in their short form."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.run import SHED, Run
from sandbox.process import ROOT


def run(*arguments: str | Path, leaks: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m loadtests run`, which starts chains and service of its own."""
    command = [sys.executable, "-m", "loadtests", "run", *arguments]
    env = os.environ | {"LEAKS": leaks}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=280, check=False)


def test_every_kind_of_client_from_two_processes_and_an_overload(tmp_path: Path) -> None:
    """The gate holds: no request failed, and on both chains the seller has the price of each delivered picture.

    Also a soak without a leak.
    """
    done = run("smoke", "--out", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = Run.read(tmp_path)
    classes = {row[1].removesuffix(SHED) for phase in seen.phases for row in phase.requests}
    assert classes == {
        *("paid x402-v1", "paid x402-v2", "paid mpp", "paid slow", "hostile", "page"),
        *("quote, empty request", "quote, of a buyer", "quote, with photo"),
    }
    assert all(seen.money.delivered.values())
    processes = {name.rpartition(" ")[0] for phase in seen.phases for row in phase.samples for name in row["processes"]}
    assert {"supervisor", "API worker", "runner", "decoder", "load", "chain"} <= processes
    assert "<svg" in (tmp_path / "report.html").read_text()


@pytest.mark.nightly
def test_a_soak_finds_each_kind_of_leak(tmp_path: Path) -> None:
    """The control: without it nobody knows that a soak could fail."""
    profile = Path(__file__).with_name("leaky.toml")
    leaky = ("--service", "tests.fakes.leaky_service:BackgroundRemoval")
    done = run(profile, "--out", tmp_path, *leaky, leaks="memory,files,threads,latency")
    assert done.returncode == 1, done.stdout + done.stderr
    for grown in ("API worker 1: memory", "API worker 1: open files", "API worker 1: threads", "request: median wait"):
        assert f"{grown} grew from" in done.stdout
