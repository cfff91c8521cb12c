"""The acceptance gate: a backend too far from fp32 on the CPU is rejected."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.manifest import MODELS, Gate, ModelManifest
from runners.backend import BackendError, Pixels
from runners.golden import DEFAULT_GATE, GOLDEN_FOLDER, Golden, Infer, golden, golden_pictures, scaled
from runners.ort_backend import OrtBackend
from tests.shipped import NAME, SHIPPED

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)


def _red(images: Pixels) -> Pixels:
    return np.ascontiguousarray(images[..., 0])


GOLDEN = Golden(PICTURES, _red(PICTURES))


def _unused() -> Infer:
    raise AssertionError("the stored alphas should do")


def _off_by(levels: int) -> Infer:
    return lambda images: (_red(images).astype(int) // 2 + 64 + levels).astype(np.uint8)


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_equal_alphas_pass_in_batches_of_any_size(size: int) -> None:
    sizes: list[int] = []

    def infer(images: Pixels) -> Pixels:
        sizes.append(len(images))
        return _red(images)

    assert GOLDEN.check(infer, Gate(mean=0.01, p99_9=0.01), (size,)).largest == 0
    assert set(sizes) == {size}


@pytest.mark.parametrize(
    ("levels", "gate", "passes"),
    [
        (1, Gate(mean=1, p99_9=1), True),
        (1, Gate(mean=0.9, p99_9=9), False),
        (2, Gate(mean=9, p99_9=1.9), False),
        (-2, Gate(mean=1.9, p99_9=9), False),
    ],
)
def test_mean_and_percentile_are_both_limited(levels: int, gate: Gate, *, passes: bool) -> None:
    known = Golden(PICTURES, _off_by(0)(PICTURES))
    if passes:
        assert known.check(_off_by(levels), gate, (1,)).largest == abs(levels)
    else:
        with pytest.raises(BackendError, match="too far from fp32 on the CPU: mean"):
            known.check(_off_by(levels), gate, (1,))


def test_errors_in_full_batches_only_are_found() -> None:
    def infer(images: Pixels) -> Pixels:
        return _red(images) if len(images) < 4 else np.zeros(images.shape[:3], np.uint8)

    GOLDEN.check(infer, DEFAULT_GATE, (1,))
    with pytest.raises(BackendError, match=re.escape("in batches of 4")):
        GOLDEN.check(infer, DEFAULT_GATE, (1, 4))


@pytest.mark.parametrize("name", sorted(path.stem for path in MODELS.glob("*.toml")))
def test_every_shipped_model_has_stored_alphas(name: str, tmp_path: Path) -> None:
    """After a change of weights or pictures: `python -m modelkit golden`."""
    manifest = ModelManifest.load(name)
    known = golden(manifest, _unused, tmp_path)
    assert known.alphas.shape == known.pictures.shape[:3]
    assert np.ptp(known.alphas) == 255


def _cpu(manifest: ModelManifest, precision: str = "fp32") -> OrtBackend:
    content = manifest.model_copy(update=_only(manifest, precision))
    content._folder = manifest._folder
    return OrtBackend(content, device="cpu", threads=1)


def _only(manifest: ModelManifest, precision: str) -> dict[str, object]:
    if precision == "fp32":
        return {}
    variant = manifest.variants["fp16"]
    return {"file": variant.file, "sha256": variant.sha256}


def test_the_shipped_model_and_its_fp16_file_pass(tmp_path: Path) -> None:
    known = golden(SHIPPED, _unused, tmp_path)
    for precision, gate in (("fp32", Gate(mean=0.01, p99_9=1)), ("fp16", SHIPPED.variants["fp16"].gate)):
        backend = _cpu(SHIPPED, precision)
        known.check(backend.infer, gate, (1,))
        backend.close()


def _counting(calls: list[int]) -> Callable[[], Infer]:
    def reference() -> Infer:
        calls.append(1)
        return _red

    return reference


def test_missing_alphas_are_computed_once(tmp_path: Path) -> None:
    foreign = SHIPPED.model_copy(update={"name": "foreign"})
    calls: list[int] = []
    first, second = (golden(foreign, _counting(calls), tmp_path) for _ in range(2))
    assert len(calls) == 1
    np.testing.assert_array_equal(first.alphas, second.alphas)


def test_without_a_writable_folder_alphas_are_computed_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    calls: list[int] = []
    foreign = SHIPPED.model_copy(update={"name": "foreign"})
    assert len(golden(foreign, _counting(calls), tmp_path / "file").alphas)
    assert len(calls) == 1


def test_alphas_of_other_weights_are_ignored(tmp_path: Path) -> None:
    calls: list[int] = []
    golden(SHIPPED.model_copy(update={"sha256": "0" * 64}), _counting(calls), tmp_path)
    assert (len(calls), NAME) == (1, SHIPPED.name)


def test_a_damaged_file_is_recomputed(tmp_path: Path) -> None:
    foreign = SHIPPED.model_copy(update={"name": "foreign"})
    calls: list[int] = []
    golden(foreign, _counting(calls), tmp_path)
    [kept] = tmp_path.iterdir()
    kept.write_bytes(b"half a fi")
    golden(foreign, _counting(calls), tmp_path)
    assert len(calls) == 2


def test_images_are_scaled_to_the_models_size() -> None:
    assert GOLDEN_FOLDER.is_dir()
    shown = golden_pictures()
    assert scaled(shown, shown.shape[1]).shape == shown.shape
    np.testing.assert_array_equal(scaled(shown, 768)[:, ::2, ::2], shown)
    assert scaled(shown, 100).shape == (len(shown), 100, 100, 3)
