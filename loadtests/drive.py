"""Runs a profile: target, phases one after another, and what was seen meanwhile, as one Run."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from rich.console import Console

from loadtests import target
from loadtests.money import Money, agreed
from loadtests.order import VARIABLE, Order
from loadtests.profile import FREE, Kind, Phase, Profile
from loadtests.run import PhaseRun, Run
from loadtests.sampler import Sampler, machine
from loadtests.target import Target
from sandbox.process import DIE_WITH_PARENT, ROOT, choose_port

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
_STOP_S = 120.0
_LEAST_EVERY_S, _LOOKS = 1.0, 1000


class DriveError(Exception):
    """The load could not be made; the message says why."""


def drive(profile: Profile, name: str, *, folder: Path, url: str | None, service: str, say: Console) -> Run:
    """Load the service at a URL, or one of our own, and give what was seen. `folder` gets its logs.

    Raises:
        DriveError: locust ended without having written what it saw.
        SandboxError: the target did not start, or is not on this machine.
    """
    began, before = time.time(), machine()
    with _placed(profile) as cpus, _target(profile, url, service, folder, cpus) as aim:
        if sells(profile):
            aim.fund()
        earned = aim.earned() if sells(profile) else {}
        run = Run(name=name, profile=profile, began=began, machine=before, phases=[], money=Money())
        for phase in profile.phases:
            say.print(f"{phase.name}: {phase.seconds:g} s ...")
            run.phases.append(_phase(run, phase, aim, folder))
        if earned:
            run.money = agreed(aim, earned, run)
        return run


def sells(profile: Profile) -> bool:
    """Whether anybody of a profile buys."""
    return any({*phase.users, *phase.arrivals} - FREE for phase in profile.phases)


@contextmanager
def _placed(profile: Profile) -> Iterator[set[int] | None]:
    """Keep this process, and what it starts, off the service's CPU, where they are separate; gives that CPU."""
    before = os.sched_getaffinity(0)
    *others, last = sorted(before)
    if not profile.separate_cpus or not others:
        yield None
        return
    os.sched_setaffinity(0, set(others))
    try:
        yield {last}
    finally:
        os.sched_setaffinity(0, before)


def _target(
    profile: Profile, url: str | None, service: str, folder: Path, cpus: set[int] | None
) -> AbstractContextManager[Target]:
    if url is not None:
        return target.running(url)
    return target.own(workers=profile.workers, cpus=cpus, service=service, log=folder / "service.log")


def _phase(run: Run, phase: Phase, aim: Target, folder: Path) -> PhaseRun:
    if phase.times_peak and not run.peak_per_s:
        raise DriveError(f"{phase.name}: no picture was sold before, so there is no peak to go beyond.")
    with TemporaryDirectory() as scratch, Sampler(aim.url, every_s=max(_LEAST_EVERY_S, phase.seconds / _LOOKS)) as seen:
        order = _order(run, phase, aim, Path(scratch, "records"))
        Path(order.records).mkdir()
        order.write(Path(scratch) / "order.json")
        began = time.time()
        _locust(_commands(order, phase, aim), Path(scratch) / "order.json", folder / "locust.log", phase.seconds)
        records = _merged(order)
    return PhaseRun.of(phase, began=began, arrivals=order.arrivals, records=records, samples=seen.rows)


def _merged(order: Order) -> dict[str, list[Any]]:
    """What all processes have recorded.

    Raises:
        DriveError: one has written nothing.
    """
    expected = 1 if order.processes == 1 else 1 + order.processes
    files = sorted(Path(order.records).glob("*.json"))
    if len(files) != expected:
        raise DriveError(f"{len(files)} of {expected} processes of locust have written what they saw.")
    rows: dict[str, list[Any]] = {}
    for file in files:
        for kind, more in json.loads(file.read_text()).items():
            rows.setdefault(kind, []).extend(more)
    return rows


def _locust(commands: list[list[str]], order: Path, log: Path, seconds: float) -> None:
    """Run locust's processes until all have ended: workers end later than their master, after their last visits.

    Raises:
        DriveError: one ended with an error, or did not end.
    """
    deadline = time.monotonic() + seconds + 2 * _STOP_S + 60
    env = os.environ | {VARIABLE: str(order), "PYTHONPATH": str(ROOT)}
    with log.open("ab") as output, ExitStack() as stack:
        processes = [stack.enter_context(_started(command, env, output)) for command in commands]
        try:
            codes = [process.wait(max(0.0, deadline - time.monotonic())) for process in processes]
        except subprocess.TimeoutExpired as error:
            raise DriveError(f"locust did not end: {log.read_text()[-2000:]}") from error
    if any(codes):
        raise DriveError(f"locust ended with {codes}: {log.read_text()[-2000:]}")


@contextmanager
def _started(command: list[str], env: dict[str, str], output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is killed at the end of the block, if it has not ended by then, and ends with this one."""
    whole = [sys.executable, "-I", "-S", str(DIE_WITH_PARENT), str(os.getpid()), *command]
    with subprocess.Popen(whole, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


def _order(run: Run, phase: Phase, aim: Target, records: Path) -> Order:
    return Order(
        users=dict(phase.users),
        arrivals=rates(phase, run.peak_per_s),
        pictures=run.profile.pictures,
        patience_s=phase.patience_s,
        processes=run.profile.processes,
        seed=run.profile.seed,
        tempo_rpc_url=aim.tempo.rpc_url,
        records=str(records),
    )


def rates(phase: Phase, peak_per_s: float) -> dict[Kind, float]:
    """Visits per second of each kind; with `times_peak` the arrivals are shares of that."""
    if phase.times_peak is None:
        return dict(phase.arrivals)
    total = sum(phase.arrivals.values())
    return {kind: phase.times_peak * peak_per_s * share / total for kind, share in phase.arrivals.items()}


def _commands(order: Order, phase: Phase, aim: Target) -> list[list[str]]:
    """One process, or a master and its workers."""
    common = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary", "--host", aim.url]
    users = sum(order.users.values()) + order.processes * len(order.arrivals)
    seconds = max(1, round(phase.seconds))
    load = f"-u {users} -r {users} -t {seconds}s --stop-timeout {_STOP_S:g}".split()
    if order.processes == 1:
        return [common + load]
    port = str(choose_port(0))
    master = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    master += ["--expect-workers", str(order.processes), "--expect-workers-max-wait", "120"]
    worker = ["--worker", "--master-host", "127.0.0.1", "--master-port", port]
    return [common + load + master, *[common + worker] * order.processes]
