"""What decoding one file may take: by its declared size, as no codec needs more for a sound one."""

import math
from dataclasses import dataclass

from imaging.probing import ImageInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """What a decoder process may take beyond what it has; each is several times the most that was measured.

    Attributes:
        cpu_s, cpu_s_per_megapixel: seconds of CPU; progressive files and profiles are the slowest.
        wall_factor: seconds of wall time for each second of CPU, as other processes want the cores too.
        memory, memory_per_pixel: bytes; a JPEG with a warning is decoded twice.
        growth: bytes that a process may have grown by since its start before it is replaced; codecs leak.
    """

    cpu_s: float = 5.0
    cpu_s_per_megapixel: float = 0.15
    wall_factor: float = 4.0
    memory: int = 128 * 1024 * 1024
    memory_per_pixel: int = 16
    growth: int = 256 * 1024 * 1024

    def cpu_seconds(self, info: ImageInfo) -> int:
        """Whole seconds, as RLIMIT_CPU counts them."""
        return math.ceil(self.cpu_s + self.cpu_s_per_megapixel * info.width * info.height / 1e6)

    def wall_seconds(self, info: ImageInfo) -> float:
        """Seconds until a process counts as hung."""
        return self.wall_factor * self.cpu_seconds(info)

    def memory_bytes(self, info: ImageInfo, body_bytes: int) -> int:
        """Bytes beside the shared memory; the file is there, as the codec's, and twice as it is put together anew."""
        return self.memory + info.width * info.height * (self.memory_per_pixel + info.decode_bytes) + 4 * body_bytes
