"""Each running service has a folder of counts of its own, whatever becomes of its supervisor."""

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from metrics_folder import own_folder
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import ROOT
from tests.fakes.serving import TRUST
from tests.running_service import RunningService, run_service

SUPERVISOR = """
import sys
from pathlib import Path
from metrics_folder import own_folder
folder = own_folder(Path(sys.argv[1]))
(folder / "counter_1.db").touch()
print(folder, flush=True)
sys.stdin.read()
"""


@contextmanager
def supervisor(parent: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a folder of its own; it ends when its input does."""
    command = [sys.executable, "-c", SUPERVISOR, str(parent)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def files(parent: Path) -> set[str]:
    """What lies in the common folder, apart from its lock."""
    return {path.name for path in parent.iterdir()} - {".lock"}


def test_folders_are_separate_private_and_gone_in_the_end(tmp_path: Path) -> None:
    parent = tmp_path / "counts"
    with supervisor(parent) as (_, one), supervisor(parent) as (_, other):
        assert one != other
        assert [stat.S_IMODE(path.stat().st_mode) for path in (parent, one, other)] == [0o700] * 3
        assert (one / "counter_1.db").exists()
    assert files(parent) == set()


def test_the_next_start_removes_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    with supervisor(tmp_path) as (_, living), supervisor(tmp_path) as (killed, left):
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert (left / "counter_1.db").exists()
        with supervisor(tmp_path) as (_, new):
            assert not left.exists()
            assert {path for path in (living, new) if (path / "counter_1.db").exists()} == {living, new}
    assert files(tmp_path) == set()


def test_a_forked_child_does_not_remove_the_folder_of_its_parent(tmp_path: Path) -> None:
    script = f"{SUPERVISOR}\nimport os\nif os.fork() == 0: sys.exit()\nos.wait()\nprint(folder.exists(), flush=True)"
    ended = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, input="", capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "True"


def test_two_services_of_one_user_keep_their_own_counts(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    """One starts and stops while the other one serves."""
    settings = {"BENTOML_HOME": str(tmp_path / "home"), "CLEARCANVAS_WORKERS": "1"}
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    with run_service(base_chain, tempo_chain, folders[0], settings) as one:
        pages(one, 3)
        with run_service(base_chain, tempo_chain, folders[1], settings) as other:
            pages(other, 2)
            assert (counted(one), counted(other)) == (3, 2)
            assert backends(one) == 1
        pages(one, 1)
        assert counted(one) == 4
    assert files(tmp_path / "home" / "clearcanvas-metrics") == set()


def pages(service: RunningService, times: int) -> None:
    """Ask for a page that nothing else asks for."""
    for _ in range(times):
        httpx.get(f"{service.url}/llms.txt", trust_env=False, verify=TRUST).raise_for_status()


def counted(service: RunningService) -> float:
    """How often the service says that it was asked for."""
    return _sum(service, 'clearcanvas_requests_total{method="GET",route="/llms.txt"')


def backends(service: RunningService) -> float:
    """How many backends there are, says another process: the runner."""
    return _sum(service, "clearcanvas_backend_info")


def _sum(service: RunningService, start: str) -> float:
    lines = httpx.get(f"{service.url}/metrics", trust_env=False, verify=TRUST).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))


def test_an_empty_folder_is_handed_out(tmp_path: Path) -> None:
    """BentoML takes a folder as it is only when it is empty."""
    assert list(own_folder(tmp_path).iterdir()) == []
