"""A runtime uses the precision that its device accelerates, if it is close enough to fp32."""

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from models.manifest import Gate, ModelManifest, Precision, Variant
from runners.best_precision import best_backend
from runners.golden import Golden, Infer, golden
from runners.ort_backend import OrtBackend
from runners.precisions import WantedPrecision
from tests.shipped import SHIPPED


def _unused() -> Infer:
    raise AssertionError("the stored alphas should do")


@pytest.fixture
def known(tmp_path: Path) -> Golden:
    return golden(SHIPPED, _unused, tmp_path)


def _maker(manifest: ModelManifest) -> Callable[[Precision], OrtBackend]:
    return lambda precision: OrtBackend(manifest, device="cpu", threads=1, precision=precision)


def _taken(
    manifest: ModelManifest, known: Golden, *, vnni: bool = True, wanted: WantedPrecision = "auto"
) -> tuple[str, list[str]]:
    """Name of the backend, and what was logged."""
    with capture_logs() as logs:
        backend = best_backend(
            manifest, _maker(manifest), device="cpu", golden=lambda _: known, wanted=wanted, vnni=lambda: vnni
        )
    backend.close()
    return backend.name, [entry["event"] for entry in logs]


def _with(**changes: object) -> ModelManifest:
    """The shipped model with a changed int8 variant."""
    int8 = SHIPPED.variants["int8"].model_copy(update=changes)
    return SHIPPED.model_copy(update={"variants": {"int8": int8}})


def test_the_shipped_model_runs_in_int8_with_vnni(known: Golden) -> None:
    assert _taken(SHIPPED, known) == ("onnxruntime-cpu-int8", ["precision_accepted"])


def test_without_vnni_or_when_fp32_is_wanted_it_runs_in_fp32(known: Golden) -> None:
    assert _taken(SHIPPED, known, vnni=False) == ("onnxruntime-cpu", [])
    assert _taken(SHIPPED, known, wanted="fp32") == ("onnxruntime-cpu", [])


@pytest.mark.parametrize(
    "changes",
    [
        {"gate": Gate(mean=0.001, p99_9=255)},
        {"gate": Gate(mean=255, p99_9=0.001)},
        {"file": "weights/no-such.onnx"},
        {"sha256": "0" * 64},
        {"file": "clearcanvas-matte-6.toml"},
    ],
)
def test_a_bad_or_missing_variant_is_rejected_and_logged(known: Golden, changes: dict[str, object]) -> None:
    assert _taken(_with(**changes), known) == ("onnxruntime-cpu", ["precision_refused"])


def test_a_model_without_variants_is_not_checked() -> None:
    def ask(_: ModelManifest) -> Golden:
        raise AssertionError("there is no choice")

    bare = SHIPPED.model_copy(update={"variants": dict[str, Variant]()})
    backend = best_backend(bare, _maker(bare), device="cpu", golden=ask, vnni=lambda: True)
    assert backend.name == "onnxruntime-cpu"
    backend.close()
