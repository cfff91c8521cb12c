"""The precisions of a model to try on a device, best first."""

from collections.abc import Callable, Set
from pathlib import Path
from typing import Literal

from models import ModelManifest, Precision

WantedPrecision = Literal["auto", "fp32"]
"""The setting: "auto" uses the smallest file that passes its gate, "fp32" only the fp32 file."""

_VNNI = frozenset({"avx512_vnni", "avx_vnni", "asimddp", "i8mm"})
"""Linux's names of the x86 and ARM instructions for dot products of bytes with 32-bit sums.

Without them int8 is hardly faster than fp32, and on AVX2 the 16-bit sums of pairs overflow.
"""


def cpu_flags(file: Path = Path("/proc/cpuinfo")) -> Set[str]:
    """The processor's feature flags in Linux's names; empty if the system does not list them."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return frozenset()
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.partition(":")[2].split()}


def has_vnni(flags: Callable[[], Set[str]] = cpu_flags) -> bool:
    """Whether the system reports an instruction for int8 dot products."""
    return bool(_VNNI & flags())


def precisions_for(
    device: str, manifest: ModelManifest, *, vnni: Callable[[], bool] = has_vnni
) -> tuple[Precision, ...]:
    """The precisions to try on the device, in order. The last is fp32, which every manifest has.

    Args:
        device: "cpu" or the name of a GPU backend.
        vnni: called for the CPU only.
    """
    if device != "cpu":
        preferred: Precision = "fp16"
    elif vnni():
        preferred = "int8"
    else:
        return ("fp32",)
    return (preferred, "fp32") if preferred in manifest.precisions else ("fp32",)
