"""What a service leaves on the machine: state that nobody else may read, no secret in its runner, no temporary file."""

import os
import stat
import tempfile
from pathlib import Path

import psutil

from config.loading import is_for_sellers, names, variable
from config.settings import Settings, settings_with
from sandbox.chains import BaseChain, TempoChain
from tests.buying import buy, photograph
from tests.processes import command_of, matching
from tests.running_service import RunningService, run_service


def worker_of(service: RunningService, *, runner: bool) -> psutil.Process:
    """The runner, or an API worker."""
    workers = matching(service.process.pid, "--fd")
    return next(each for each in workers if ("MattingRunner" in command_of(each)) == runner)


def environment_of(process: psutil.Process) -> bytes:
    """As it was when the process began."""
    return Path(f"/proc/{process.pid}/environ").read_bytes()


async def test_nothing_is_left_that_others_may_read(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    temporary = Path(tempfile.mkdtemp())  # short: sockets are in it
    settings = {
        "CLEARCANVAS_WORKERS": "1",
        "TMPDIR": str(temporary),
        "CLEARCANVAS_MPP__SECRET_KEY": "nobody but those who sell may know this secret",
    }
    with run_service(base_chain, tempo_chain, state, settings) as service:
        assert [each.status_code for each in await buy(service, [photograph(77)])] == [200]
        told, sellers = (environment_of(worker_of(service, runner=runner)) for runner in (True, False))
    secrets = [each for each in sellers.split(b"\0") if is_for_sellers(each.decode().partition("=")[0])]
    assert b"CLEARCANVAS_MPP__SECRET_KEY=nobody but those who sell may know this secret" in secrets
    assert b"CLEARCANVAS_DATABASE_URL" in sellers
    for each in secrets:
        name, _, value = each.partition(b"=")
        assert name not in told
        assert len(value) < 8 or value not in told
    assert os.listdir(temporary) == []  # noqa: PTH208 - an asynchronous test
    os.rmdir(temporary)  # noqa: PTH106
    # Beside them lie the log, which is the test's, and empty folders that BentoML makes before it reads our files.
    counts = state / "bentoml" / "clearcanvas-metrics"
    files = [state / "ledger.sqlite3", *state.glob("ledger.sqlite3-*"), counts, *counts.rglob("*")]
    assert {path: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} == dict.fromkeys(files, 0)


def test_every_secret_but_the_runners_own_is_kept_from_the_runner() -> None:
    """The runner sends its traces to the same collector, with the same key."""
    settings = settings_with()()
    for name in names():
        section, _, leaf = name.rpartition(".")
        field = (type(getattr(settings, section)) if section else Settings).model_fields[leaf]
        if "Secret" in str(field.annotation) and section not in ("runner", "traces"):
            assert is_for_sellers(variable(name)), name
    assert not is_for_sellers("CLEARCANVAS_RUNNER__TOKEN")
