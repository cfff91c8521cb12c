"""Which of a model's files a device is to run, best first."""

from collections.abc import Callable, Set
from pathlib import Path
from typing import Literal

from models import ModelManifest, Precision

WantedPrecision = Literal["auto", "fp32"]
"""As the setting: "auto" takes the smallest file that passes its gate, "fp32" no other than that one."""

_VNNI = frozenset({"avx512_vnni", "avx_vnni", "asimddp", "i8mm"})
"""Linux's names of instructions that multiply bytes and add the products up in 32 bits: x86's and ARM's.

Without them int8 is hardly faster than fp32, and on AVX2 the sums of pairs overflow in 16 bits.
"""


def cpu_flags(file: Path = Path("/proc/cpuinfo")) -> Set[str]:
    """What the processor says that it can do, in Linux's names; nothing where the system does not say it."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return frozenset()
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.partition(":")[2].split()}


def has_vnni(flags: Callable[[], Set[str]] = cpu_flags) -> bool:
    """Whether eight-bit products are summed in hardware, as far as the system says."""
    return bool(_VNNI & flags())


def precisions_for(
    device: str, manifest: ModelManifest, *, vnni: Callable[[], bool] = has_vnni
) -> tuple[Precision, ...]:
    """What to try on the device, in this order; fp32, which every manifest has, is last.

    Args:
        device: "cpu", or any GPU's.
        vnni: asked for the CPU alone.
    """
    if device != "cpu":
        preferred: Precision = "fp16"
    elif vnni():
        preferred = "int8"
    else:
        return ("fp32",)
    return (preferred, "fp32") if preferred in manifest.precisions else ("fp32",)
