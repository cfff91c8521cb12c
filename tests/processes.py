"""The processes of a service, as they come and go: those that have ended, zombies too, are left out.

Between the listing of processes and a question to one of them it may end; psutil then raises. Whoever asks here gets an
empty answer instead.

Two things that psutil offers are not used to tell what lives. Its `children` compares by the wall clock when
processes began, and leaves children out while that clock is set. A command line is empty, too, for a moment while a
process executes its program.
"""

import signal
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

import psutil


def command_of(process: psutil.Process) -> list[str]:
    """Its command line; empty when it has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def is_living(process: psutil.Process) -> bool:
    """Whether it runs, and is no zombie."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def descendants(pid: int) -> list[psutil.Process]:
    """All living processes below this one, whatever their depth; none when it has ended."""
    return [each for each in _below(pid) if is_living(each)]


def _below(pid: int) -> list[psutil.Process]:
    children = defaultdict(list)
    for each in psutil.process_iter(["ppid"]):
        children[each.info["ppid"]].append(each)
    found, parents = list[psutil.Process](), [pid]
    while parents:
        generation = [child for parent in parents for child in children[parent]]
        found += generation
        parents = [each.pid for each in generation]
    return found


def family(pid: int) -> list[psutil.Process]:
    """This process, and all living ones below it; none when it has ended."""
    try:
        return [psutil.Process(pid), *descendants(pid)]
    except psutil.NoSuchProcess:
        return []


def matching(pid: int, *words: str) -> list[psutil.Process]:
    """Those below this process whose command line has all these words."""
    return [each for each in descendants(pid) if set(words) <= set(command_of(each))]


def send(sign: signal.Signals, processes: Iterable[psutil.Process]) -> None:
    """A signal to each of them that still lives."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(sign)
