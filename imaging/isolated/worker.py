"""What runs in a decoder process: a fresh interpreter with a scrubbed environment and one socket.

`python -m imaging.isolated.worker DESCRIPTOR PARENT CODEC`: the socket, the process that it must not outlive, and the
module whose `decode` is called; where that has a `warm_up`, it is called first. Everything that a codec loads late must
be loaded by then, as no file can be opened afterwards.
"""

import ctypes
import errno
import importlib
import mmap
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Protocol

import numpy as np

from errors import InvalidImage
from imaging.isolated.messages import MAX_PACKET, Reply, Task
from imaging.isolated.seccomp import seal
from imaging.picture import Picture
from imaging.probing import ImageInfo

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_POPULATE = getattr(mmap, "MAP_POPULATE", 0)
_DIES_FIRST = "500"
Memories = dict[int, mmap.mmap]

_TOO_LARGE = "Decoding this file takes more memory than a picture of its size should. Save it anew and send that file."


class Codec(Protocol):
    """A module that decodes."""

    def decode(self, body: bytes, info: ImageInfo) -> Picture:
        """As `imaging.decode`."""


def main(descriptor: int, parent: int, codec_name: str) -> None:
    """Decode whatever comes through the socket, until its other end is closed."""
    _bind_lifetime_to(parent)
    codec: Codec = importlib.import_module(codec_name)
    getattr(codec, "warm_up", lambda: None)()
    channel = socket.socket(fileno=descriptor)
    _discard_output()
    channel.send(Reply(unsealed=seal()).packet())
    memories: Memories = {}
    while True:
        packet, descriptors, *_ = socket.recv_fds(channel, MAX_PACKET, 1)
        if not packet:
            return
        task = Task.of(packet)
        memory = _memory(task, descriptors[0], memories)
        channel.send(_answer(codec, task, memory).packet())


def _bind_lifetime_to(parent: int) -> None:
    """Outlive a signal to the whole group, as a terminal or a supervisor sends it while sales come to their end; end
    with the service, also when that is killed while this process is busy. When memory is short, go first; leave no
    picture on disk."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the service has ended already")
    Path("/proc/self/oom_score_adj").write_text(_DIES_FIRST)


def _discard_output() -> None:
    """Send what a codec prints to /dev/null."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _memory(task: Task, descriptor: int, memories: Memories) -> mmap.mmap:
    """The task's buffer. Mapped once where it comes again, as each page that is mapped anew costs time."""
    try:
        if task.buffer == 0:
            return mmap.mmap(descriptor, task.buffer_bytes, flags=mmap.MAP_SHARED | _POPULATE)
        if task.buffer not in memories:
            memories[task.buffer] = mmap.mmap(descriptor, task.buffer_bytes)
        return memories[task.buffer]
    finally:
        os.close(descriptor)


def _answer(codec: Codec, task: Task, memory: mmap.mmap) -> Reply:
    try:
        return _decoded(codec, task, memory)
    except InvalidImage as refusal:
        blocked = _blocked(refusal)
        return Reply(fault=repr(blocked)) if blocked else Reply(refusal=refusal.detail)
    except MemoryError:
        return Reply(refusal=_TOO_LARGE)
    except Exception as error:  # noqa: BLE001  # whatever it is, the service must hear of it
        return Reply(fault=repr(error))


def _decoded(codec: Codec, task: Task, memory: mmap.mmap) -> Reply:
    body = memory[task.pixel_bytes : task.pixel_bytes + task.body_bytes]
    picture = codec.decode(body, task.info)
    if picture.rgba.nbytes != task.pixel_bytes:
        return Reply(fault="the picture has another size")
    memory[: task.pixel_bytes] = np.ascontiguousarray(picture.rgba).data.cast("B")
    return Reply(has_alpha=picture.has_alpha)


def _blocked(error: BaseException | None) -> BaseException | None:
    """The cause of a refusal that is not the file's fault: something was not loaded in time."""
    while error is not None:
        if isinstance(error, ImportError) or (isinstance(error, OSError) and error.errno == errno.ENOSYS):
            return error
        error = error.__cause__ or error.__context__
    return None


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
