"""Resource limits for decoding one file, from its declared size."""

import math
from dataclasses import dataclass

from imaging.probing import ImageInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Additional resources that a decoder process may use; each is several times the measured maximum.

    Attributes:
        cpu_s, cpu_s_per_megapixel: CPU seconds; progressive files and colour profiles are slowest.
        wall_factor: seconds of wall time per second of CPU time, because processes share the cores.
        memory, memory_per_pixel: bytes; a JPEG with a warning is decoded twice.
        growth: growth in bytes since its start after which a process is replaced, because codecs leak.
    """

    cpu_s: float = 5.0
    cpu_s_per_megapixel: float = 0.15
    wall_factor: float = 4.0
    memory: int = 128 * 1024 * 1024
    memory_per_pixel: int = 16
    growth: int = 256 * 1024 * 1024

    def cpu_seconds(self, info: ImageInfo) -> int:
        """Whole seconds, the unit of RLIMIT_CPU."""
        return math.ceil(self.cpu_s + self.cpu_s_per_megapixel * info.width * info.height / 1e6)

    def wall_seconds(self, info: ImageInfo) -> float:
        """Seconds after which a process is considered hung."""
        return self.wall_factor * self.cpu_seconds(info)

    def memory_bytes(self, info: ImageInfo, body_bytes: int) -> int:
        """Bytes besides the shared memory, including four copies of the file."""
        return self.memory + info.width * info.height * (self.memory_per_pixel + info.decode_bytes) + 4 * body_bytes
