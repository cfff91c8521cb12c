"""Memory shared with one decoder process: input file and output pixels, without copies through a socket.

The memory is anonymous (memfd), so no file remains in /dev/shm. Its size is sealed: if a process could shrink it, the
service would get SIGBUS.
"""

import fcntl
import mmap
import os
import threading
import time
import weakref

import numpy as np

from imaging.picture import Pixels

REUSABLE_BUFFERS = 2
"""Reusable buffers per process: one image is decoded while the previous one is composed."""

REUSABLE_BYTES = 80 * 1024 * 1024
"""Size of a reusable buffer: 12 megapixels with the largest upload. Only written pages use memory."""

_IDLE_S = 10.0


class Buffer:
    """Shared memory, mapped in this process; `descriptor` is for the other process.

    Args:
        number: identifies a reusable buffer to the other process; 0 for a buffer that is used once.
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
        """Close the descriptor; arrays that use the memory keep it alive."""
        os.close(self.descriptor)


class Buffers:
    """The buffers of one process. No other process can access them, so none sees another one's images."""

    def __init__(self) -> None:
        self._free: list[Buffer] = []
        self._reusable = 0
        self._lock = threading.RLock()  # a finalizer may run at any line, also while the lock is held
        self._is_open = True

    def take(self, size: int) -> Buffer:
        """A buffer of at least this size, with arbitrary content."""
        with self._lock:
            if size > REUSABLE_BYTES or not (self._free or self._reusable < REUSABLE_BUFFERS):
                return Buffer(size, 0)
            if not self._free:
                self._reusable += 1
                self._free.append(Buffer(REUSABLE_BYTES, self._reusable))
            return self._free.pop()

    def pixels(self, buffer: Buffer, width: int, height: int) -> Pixels:
        """uint8 [height,width,4] at the start of a buffer, which is released when no array refers to it."""
        whole: Pixels = np.frombuffer(buffer.memory, np.uint8, count=4 * width * height)
        weakref.finalize(whole, self._release, buffer).atexit = False
        return whole.reshape(height, width, 4)

    def _release(self, buffer: Buffer) -> None:
        with self._lock:
            if self._is_open and buffer.number:
                buffer.used_at = time.monotonic()
                self._free.append(buffer)
            else:
                buffer.close()

    def release_idle(self) -> None:
        """Return the memory of idle buffers, with their images, to the system."""
        with self._lock:
            for each in self._free:
                if each.used_at and time.monotonic() > each.used_at + _IDLE_S:
                    each.memory.madvise(mmap.MADV_REMOVE)
                    each.used_at = None

    def close(self) -> None:
        """Close the free buffers now, and the others when they are released."""
        with self._lock:
            self._is_open = False
            while self._free:
                self._free.pop().close()
