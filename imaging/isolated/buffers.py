"""Memory shared with one decoder process: the file goes in, the pixels come out, and nothing is sent.

The memory has no name (memfd), so nothing stays behind in /dev/shm. Its size is sealed: a process that shortened it
would end ours with SIGBUS.
"""

import fcntl
import mmap
import os
import threading
import time
import weakref

import numpy as np

from imaging.picture import Pixels

KEPT = 2
"""Buffers that one process keeps: the next picture is decoded while the last one is composed."""

KEPT_BYTES = 80 * 1024 * 1024
"""Size of a kept buffer: 12 megapixels with the largest upload. Memory is taken only where something is written."""

_IDLE_S = 10.0


class Buffer:
    """Shared memory, mapped here; `descriptor` is for the other process.

    Args:
        number: of a kept buffer, by which the other process knows it again; 0 of one for a single picture.
    """

    def __init__(self, size: int, number: int) -> None:
        self.size = size
        self.number = number
        self.descriptor = os.memfd_create("picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.descriptor, size)
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self.memory = mmap.mmap(self.descriptor, size)
        self.used_at: float | None = None

    def close(self) -> None:
        """Let go of it; an array that still looks at it keeps the memory."""
        os.close(self.descriptor)


class Buffers:
    """The buffers of one process. No other process sees them, so none sees the pictures of another."""

    def __init__(self) -> None:
        self._free: list[Buffer] = []
        self._kept = 0
        self._lock = threading.RLock()  # a finalizer may run within any line, these included
        self._is_open = True

    def take(self, size: int) -> Buffer:
        """A buffer of at least this size, with whatever is left in it."""
        with self._lock:
            if size > KEPT_BYTES or not (self._free or self._kept < KEPT):
                return Buffer(size, 0)
            if not self._free:
                self._kept += 1
                self._free.append(Buffer(KEPT_BYTES, self._kept))
            return self._free.pop()

    def pixels(self, buffer: Buffer, width: int, height: int) -> Pixels:
        """uint8 [height,width,4] at the start of a buffer, which is released when no array refers to them any more."""
        whole: Pixels = np.frombuffer(buffer.memory, np.uint8, count=4 * width * height)
        weakref.finalize(whole, self._give_back, buffer).atexit = False
        return whole.reshape(height, width, 4)

    def _give_back(self, buffer: Buffer) -> None:
        with self._lock:
            if self._is_open and buffer.number:
                buffer.used_at = time.monotonic()
                self._free.append(buffer)
            else:
                buffer.close()

    def forget_idle(self) -> None:
        """Give the memory of those that were not used for a while back to the system, and their pictures with it."""
        with self._lock:
            for each in self._free:
                if each.used_at and time.monotonic() > each.used_at + _IDLE_S:
                    each.memory.madvise(mmap.MADV_REMOVE)
                    each.used_at = None

    def close(self) -> None:
        """Let go of those that are free now, and of the others as soon as they are."""
        with self._lock:
            self._is_open = False
            while self._free:
                self._free.pop().close()
