"""The seccomp filter of a decoder process: it allows memory, time, and the process's one socket.

The filter (seccomp(2)) is an allow list. Every other call fails with ENOSYS, as on a kernel without that call, which C
libraries handle: the process cannot open files (not even in /proc), create sockets, or start, trace, limit or signal
processes. The filter cannot be removed.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple


class _Call(NamedTuple):
    """An allowed system call by its numbers, optionally only with a given value of one argument."""

    x86_64: int
    aarch64: int
    argument: int = 0
    value: int | None = None


_DUPLICATE = 1030
"""F_DUPFD_CLOEXEC, which mmap uses. F_SETOWN would allow sending signals to the service."""


def _allowed(pid: int) -> tuple[_Call, ...]:
    return (
        _Call(44, 206),  # sendto: the socket is connected
        _Call(45, 207),  # recvfrom
        _Call(46, 211),  # sendmsg
        _Call(47, 212),  # recvmsg
        _Call(3, 57),  # close
        _Call(5, 80),  # fstat
        _Call(262, 79),  # newfstatat, which fstat may be
        _Call(72, 25, argument=1, value=_DUPLICATE),  # fcntl
        _Call(9, 222),  # mmap
        _Call(10, 226),  # mprotect
        _Call(11, 215),  # munmap
        _Call(12, 214),  # brk
        _Call(25, 216),  # mremap
        _Call(28, 233),  # madvise
        _Call(202, 98),  # futex
        _Call(24, 124),  # sched_yield
        _Call(35, 101),  # nanosleep
        _Call(230, 115),  # clock_nanosleep
        _Call(228, 113),  # clock_gettime
        _Call(96, 169),  # gettimeofday
        _Call(98, 165),  # getrusage
        _Call(99, 179),  # sysinfo: qsort asks how much memory there is
        _Call(204, 123),  # sched_getaffinity
        _Call(318, 278),  # getrandom
        _Call(39, 172),  # getpid
        _Call(186, 178),  # gettid
        _Call(13, 134),  # rt_sigaction
        _Call(14, 135),  # rt_sigprocmask
        _Call(15, 139),  # rt_sigreturn
        _Call(131, 132),  # sigaltstack
        _Call(219, 128),  # restart_syscall
        _Call(234, 131, argument=0, value=pid),  # tgkill, as abort() does; to this process only
        _Call(60, 93),  # exit
        _Call(231, 94),  # exit_group
    )


_MACHINES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""AUDIT_ARCH_* and the number of the seccomp call."""

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD+W+ABS, BPF_JMP+JEQ+K, BPF_RET+K
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16  # struct seccomp_data
_NO_NEW_PRIVS, _SET_FILTER, _ALL_THREADS = 38, 1, 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install_filter() -> str:
    """Restrict this process to the calls above, irrevocably. Returns '' or the reason why that is not possible."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return f"there is no filter for {sys.platform} on {platform.machine()}"
    machine, seccomp = _MACHINES[platform.machine()]
    code = b"".join(_instructions(platform.machine() == "x86_64", machine))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        return f"prctl: {os.strerror(ctypes.get_errno())}"
    program = _Program(len(code) // 8, code)
    if libc.syscall(seccomp, _SET_FILTER, _ALL_THREADS, ctypes.byref(program)):
        return f"seccomp: {os.strerror(ctypes.get_errno())}"
    return ""


def _instructions(is_x86_64: bool, machine: int) -> Iterator[bytes]:
    """The filter program. Calls of other architectures (32-bit, x32) have other numbers and are rejected."""
    yield _instruction(_LOAD, _MACHINE_AT)
    yield _instruction(_EQUAL, machine, then=1)
    yield _instruction(_RETURN, _REFUSE)
    yield _instruction(_LOAD, _NUMBER_AT)
    for call in _allowed(os.getpid()):
        number = call.x86_64 if is_x86_64 else call.aarch64
        if call.value is None:
            yield _instruction(_EQUAL, number, otherwise=1)
        else:
            yield _instruction(_EQUAL, number, otherwise=4)
            yield _instruction(_LOAD, _ARGUMENTS_AT + 8 * call.argument)
            yield _instruction(_EQUAL, call.value, then=1)
            yield _instruction(_RETURN, _REFUSE)
        yield _instruction(_RETURN, _ALLOW)
    yield _instruction(_RETURN, _REFUSE)


def _instruction(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """struct sock_filter: an operation, its value, and the instructions to skip after a comparison."""
    return struct.pack("=HBBI", code, then, otherwise, value)
