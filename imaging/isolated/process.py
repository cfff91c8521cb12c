"""The service's side of one decoder process."""

import math
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import structlog

from errors import InvalidImage, ProcessingFailed
from imaging.isolated.buffers import Buffer, Buffers
from imaging.isolated.limits import Limits
from imaging.isolated.messages import MAX_PACKET, Reply, Task
from imaging.picture import Picture
from imaging.probing import ImageInfo

log = structlog.get_logger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_EXIT_TIMEOUT_S = 1.0
_STDERR_TAIL_BYTES = 2000
_KEPT_ENVIRONMENT = ("LD_LIBRARY_PATH",)
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # glibc adapts to these values after large frees: memory is reused for the next image. A newly mapped page costs as
    # much as decoding it.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
}
_CAUSED_BY_FILE = {
    signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTRAP, signal.SIGXCPU,
}  # fmt: skip
"""Signals that the decoded file can cause. Every other signal comes from outside."""

_UNSAFE = "The image file cannot be decoded: the decoder failed on it. Save the image again and send that file."
_FAILED = "The image could not be decoded because the decoder was stopped. Send the same request again."


class DecoderProcess:
    """A process that decodes one file at a time while `is_usable`; after that it must be ended.

    Args:
        codec: module whose `decode` it calls.
    """

    def __init__(self, codec: str, limits: Limits) -> None:
        self._limits = limits
        self._buffers = Buffers()
        self._stderr = os.memfd_create("stderr", os.MFD_CLOEXEC)
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = ["-P", "-m", "imaging.isolated.worker", str(theirs.fileno()), str(os.getpid()), codec]
            self._popen = subprocess.Popen(  # noqa: S603  # our own module
                [sys.executable, *command],
                env=_environment(),
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                start_new_session=True,
            )
        self.pid = self._popen.pid
        self.started_at = time.monotonic()
        self.is_ready = False
        self._is_broken = False
        self._watched = psutil.Process(self.pid)
        self._first_data = 0

    @property
    def is_usable(self) -> bool:
        """Whether it runs and has answered every task."""
        return not self._is_broken and self._popen.poll() is None

    def receive_start(self) -> None:
        """Receive its first packet, which reports the start; without a valid one the process is not usable."""
        try:
            filter_error = Reply.of(self.channel.recv(MAX_PACKET)).filter_error
            self._first_data = self._data_bytes()
        except (OSError, ValueError, psutil.Error):
            filter_error = None
        self.is_ready, self._is_broken = filter_error is not None, filter_error is None
        if filter_error:
            log.warning("seccomp_unavailable", reason=filter_error)
        if filter_error is None:
            log.error("decoder_startup_failed", stderr=self._stderr_tail())

    def decode(self, body: bytes, info: ImageInfo) -> Picture:
        """As `imaging.decode`; the pixels are shared memory.

        Raises:
            InvalidImage: also if the codec crashes on the file or exceeds the limits for its size.
            ProcessingFailed: the process was killed or does not respond.
        """
        buffer = self._buffers.take(4 * info.width * info.height + len(body))
        pixels = self._buffers.pixels(buffer, info.width, info.height)  # released automatically from here on
        task = Task(info, len(body), buffer.number, buffer.size)
        buffer.memory[task.pixel_bytes : task.pixel_bytes + len(body)] = body
        try:
            reply = self._ask(task, buffer)
        except (OSError, ValueError, psutil.Error) as error:
            raise self._failure(task, error) from error
        if reply.has_alpha is None:
            raise InvalidImage(reply.refusal or _UNSAFE)
        return Picture(pixels, reply.has_alpha)

    def _ask(self, task: Task, buffer: Buffer) -> Reply:
        self._limit(task)
        self.channel.settimeout(self._limits.wall_seconds(task.info))
        socket.send_fds(self.channel, [task.packet()], [buffer.descriptor])
        reply = Reply.of(self.channel.recv(MAX_PACKET))
        if reply.has_alpha is None and reply.refusal is None:
            raise ValueError(reply.fault)
        self._is_broken = self._data_bytes() > self._first_data + self._limits.growth
        return reply

    def _limit(self, task: Task) -> None:
        """Set the limits from outside; the process's filter does not allow changing them."""
        used = self._watched.cpu_times()
        cpu = math.ceil(used.user + used.system) + self._limits.cpu_seconds(task.info)
        data = self._data_bytes() + self._limits.memory_bytes(task.info, task.body_bytes)
        resource.prlimit(self.pid, resource.RLIMIT_CPU, (cpu, resource.RLIM_INFINITY))
        resource.prlimit(self.pid, resource.RLIMIT_DATA, (data, resource.RLIM_INFINITY))

    def _data_bytes(self) -> int:
        """Private writable memory, as RLIMIT_DATA counts it."""
        return int(self._watched.memory_info().data)

    def _failure(self, task: Task, error: Exception) -> InvalidImage | ProcessingFailed:
        """Kill the process. Returns the error: caused by the file or from outside."""
        self._is_broken = True
        ended_by = self._ended_by()
        log.error(
            "decoder_failed",
            error=repr(error),
            ended_by=ended_by and ended_by.name,
            format=task.info.format.name,
            width=task.info.width,
            height=task.info.height,
            bytes=task.body_bytes,
        )
        return InvalidImage(_UNSAFE) if ended_by in _CAUSED_BY_FILE else ProcessingFailed(_FAILED)

    def _ended_by(self) -> signal.Signals | None:
        """The signal that ended the process; None if it is still running or exited normally."""
        try:
            status = self._popen.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return None
        return signal.Signals(-status) if status < 0 else None

    def release_idle(self) -> None:
        """See `Buffers.release_idle`."""
        self._buffers.release_idle()

    def end(self) -> None:
        """Kill the process and release everything except pixels that are still in use."""
        self._popen.kill()
        self._popen.wait()
        self._buffers.close()
        self.channel.close()
        os.close(self._stderr)

    def _stderr_tail(self) -> str:
        """The end of its stderr before it was ready."""
        size = os.fstat(self._stderr).st_size
        return os.pread(self._stderr, _STDERR_TAIL_BYTES, max(size - _STDERR_TAIL_BYTES, 0)).decode(errors="replace")


def _environment() -> dict[str, str]:
    """The process's environment: the module path, but no settings and no keys."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    paths = [str(_ROOT), *(each for each in sys.path if each)]
    return kept | _ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(paths)}
