"""The short form of `make fleet`: hosts in network namespaces are killed, cut off, frozen and restarted under load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.process import ROOT
from tests.fleet.proof import fleet, isolation
from tests.fleet.proof.acts import SHORT

_LIMIT_S = 400
"""For a machine on which other tests run; on a quiet one it takes about a minute."""


@pytest.mark.timeout(_LIMIT_S + 20)
def test_a_fleet_loses_nothing_while_its_hosts_fail(tmp_path: Path) -> None:
    if reason := isolation.missing() or fleet.missing():
        pytest.skip(f"THE FLEET IS NOT PROVEN HERE: {reason}")
    command = [sys.executable, "-m", "tests.fleet.proof", "--short", "--out", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
    found = json.loads((tmp_path / "fleet.json").read_text())
    assert [act["act"] for act in found["acts"]] == [str(act) for act in SHORT]
    assert found["columns"]["settled"] == found["columns"]["delivered"] > 0


def test_a_machine_without_the_programs_says_so() -> None:
    assert "a-program-of-no-package is not installed" in (isolation.missing(["a-program-of-no-package"]) or "")


def test_nothing_of_a_proof_outlives_its_first_process() -> None:
    """Not even what is stopped and has a session of its own."""
    if reason := isolation.missing():
        pytest.skip(f"THE FLEET IS NOT PROVEN HERE: {reason}")
    script = "setsid sh -c 'kill -STOP $$' & ip link add left type bridge; echo up; sleep 60"
    starts = f"import subprocess; subprocess.run({isolation.isolated(['sh', '-c', script])!r})"
    with subprocess.Popen([sys.executable, "-c", starts], stdout=subprocess.PIPE, text=True) as outer:
        assert outer.stdout is not None
        assert outer.stdout.readline() == "up\n"
        outer.kill()
        assert outer.stdout.read() == ""  # returns when the last process that holds the other end has ended
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    assert "left" not in links
