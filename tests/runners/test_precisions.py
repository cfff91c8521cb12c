"""Precisions by device."""

from pathlib import Path

import pytest

from models.manifest import Gate, ModelManifest, Precision, Variant
from runners.precisions import cpu_flags, has_vnni, precisions_for
from tests.shipped import SHIPPED

_GATE = Gate(mean=1, p99_9=9)
_EIGHT = Variant(file="eight.onnx", sha256="0" * 64, gate=_GATE)
_HALF = Variant(file="half.onnx", sha256="0" * 64, gate=_GATE)


def _manifest(**variants: Variant) -> ModelManifest:
    return SHIPPED.model_copy(update={"variants": variants})


@pytest.mark.parametrize(
    ("device", "vnni", "expected"),
    [
        ("cpu", True, ("int8", "fp32")),
        ("cpu", False, ("fp32",)),
        ("cuda", True, ("fp16", "fp32")),
        ("cuda", False, ("fp16", "fp32")),
        ("tensorrt", False, ("fp16", "fp32")),
    ],
)
def test_each_device_has_its_preferred_precision(device: str, *, vnni: bool, expected: tuple[Precision, ...]) -> None:
    assert precisions_for(device, _manifest(int8=_EIGHT, fp16=_HALF), vnni=lambda: vnni) == expected
    assert precisions_for(device, _manifest(), vnni=lambda: vnni) == ("fp32",)


def test_a_variant_without_a_file_is_ignored() -> None:
    assert precisions_for("cuda", _manifest(fp16=Variant(gate=_GATE)), vnni=lambda: True) == ("fp32",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu sse2 avx2 avx512_vnni\nbugs : vnni\n", True),
        ("flags : fpu avx2 avx_vnni\n", True),
        ("flags : fpu sse2 avx2 fma\nbugs : avx_vnni\n", False),
        ("Features\t: fp asimd asimddp i8mm\n", True),
        ("Features\t: fp asimd\n", False),
        ("", False),
    ],
)
def test_vnni_is_read_from_cpuinfo(tmp_path: Path, text: str, *, expected: bool) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    assert has_vnni(lambda: cpu_flags(file)) is expected


def test_without_cpuinfo_there_are_no_flags(tmp_path: Path) -> None:
    assert not cpu_flags(tmp_path / "cpuinfo")
