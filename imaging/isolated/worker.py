"""The code of a decoder process: a fresh interpreter with a minimal environment and one socket.

`python -m imaging.isolated.worker DESCRIPTOR PARENT CODEC`: the socket, the process that it must not outlive, and the
module whose `decode` is called, after its `warm_up` if it has one. All lazy imports must be done by then, because no
file can be opened afterwards.
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
from imaging.isolated.seccomp import install_filter
from imaging.picture import Picture
from imaging.probing import ImageInfo

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_POPULATE = getattr(mmap, "MAP_POPULATE", 0)
_OOM_SCORE = "500"
Memories = dict[int, mmap.mmap]

_TOO_LARGE = "Decoding this file needs more memory than its size allows. Save the image again and send that file."


class Codec(Protocol):
    """A module that decodes."""

    def decode(self, body: bytes, info: ImageInfo) -> Picture:
        """As `imaging.decode`."""


def main(descriptor: int, parent: int, codec_name: str) -> None:
    """Decode the tasks from the socket until its other end is closed."""
    _bind_lifetime_to(parent)
    codec: Codec = importlib.import_module(codec_name)
    getattr(codec, "warm_up", lambda: None)()
    channel = socket.socket(fileno=descriptor)
    _discard_output()
    channel.send(Reply(filter_error=install_filter()).packet())
    memories: Memories = {}
    while True:
        packet, descriptors, *_ = socket.recv_fds(channel, MAX_PACKET, 1)
        if not packet:
            return
        task = Task.of(packet)
        memory = _memory(task, descriptors[0], memories)
        channel.send(_answer(codec, task, memory).packet())


def _bind_lifetime_to(parent: int) -> None:
    """Ignore signals to the process group, because sales in progress still need the decoder; die with the service, even
    if that is killed. Be the first victim of the OOM killer; write no core dump, which would contain the image."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the service has ended already")
    Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def _discard_output() -> None:
    """Redirect a codec's output to /dev/null."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _memory(task: Task, descriptor: int, memories: Memories) -> mmap.mmap:
    """The task's buffer. Reusable buffers are mapped once, because mapping pages costs time."""
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
    except Exception as error:  # noqa: BLE001  # every error must be reported to the service
        return Reply(fault=repr(error))


def _decoded(codec: Codec, task: Task, memory: mmap.mmap) -> Reply:
    body = memory[task.pixel_bytes : task.pixel_bytes + task.body_bytes]
    picture = codec.decode(body, task.info)
    if picture.rgba.nbytes != task.pixel_bytes:
        return Reply(fault="the image has another size")
    memory[: task.pixel_bytes] = np.ascontiguousarray(picture.rgba).data.cast("B")
    return Reply(has_alpha=picture.has_alpha)


def _blocked(error: BaseException | None) -> BaseException | None:
    """The cause of an error that the file did not cause: a missing import or blocked system call."""
    while error is not None:
        if isinstance(error, ImportError) or (isinstance(error, OSError) and error.errno == errno.ENOSYS):
            return error
        error = error.__cause__ or error.__context__
    return None


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
