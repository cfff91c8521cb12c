"""The processes of a service, as they come and go: those that have ended, zombies too, are left out.

Between the listing of processes and a question to one of them it may end; psutil then raises. Whoever asks here gets an
empty answer instead.
"""

import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil


def command_of(process: psutil.Process) -> list[str]:
    """Its command line; empty when it has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def descendants(pid: int) -> list[psutil.Process]:
    """All living processes below this one, whatever their depth; none when it has ended."""
    try:
        return [each for each in psutil.Process(pid).children(recursive=True) if command_of(each)]
    except psutil.Error:
        return []


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
