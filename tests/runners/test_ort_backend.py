"""The real network on the CPU. These tests have no GPU, so CUDA is only tested for its error."""

import hashlib
from collections.abc import Iterator

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from PIL import Image
from skimage import data

from models.manifest import MODELS
from runners.backend import BackendError, Pixels, load_backend
from runners.ort_backend import OrtBackend, PartlyOnCpu, session
from tests.shipped import NAME, SHIPPED

MANIFEST = SHIPPED
SIDE = MANIFEST.input.size


@pytest.fixture(scope="module")
def backend() -> Iterator[OrtBackend]:
    backend = OrtBackend(MANIFEST, device="cpu", threads=1)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def photographs() -> Pixels:
    """uint8 [3,S,S,3]."""
    pictures = (data.astronaut(), data.coffee(), data.chelsea())
    return np.stack([np.asarray(Image.fromarray(each).resize((SIDE, SIDE))) for each in pictures])


def test_results_are_equal_alone_and_in_a_batch(backend: OrtBackend, photographs: Pixels) -> None:
    together = backend.infer(photographs)
    alone = np.concatenate([backend.infer(each[None]) for each in photographs])
    assert together.shape == (3, SIDE, SIDE)
    assert together.dtype == np.uint8
    assert np.abs(together.astype(int) - alone).max() <= 1


def test_the_person_is_foreground_and_the_corner_is_not(backend: OrtBackend, photographs: Pixels) -> None:
    [alpha] = backend.infer(photographs[:1])
    assert alpha[SIDE // 3, SIDE * 45 // 100] > 240
    assert alpha[5, 5] < 16


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, SIDE, SIDE + 1, 3), np.uint8),
        np.zeros((SIDE, SIDE, 3), np.uint8),
        np.zeros((1, SIDE, SIDE, 4), np.uint8),
        np.zeros((1, SIDE, SIDE, 3), np.float32),
    ],
)
def test_a_wrong_shape_or_type_is_rejected(backend: OrtBackend, images: Pixels) -> None:
    with pytest.raises(BackendError, match="images must be uint8"):
        backend.infer(images)


def test_the_real_network_passes_the_probe() -> None:
    chosen = load_backend(("cpu",), MANIFEST, {"cpu": lambda manifest: OrtBackend(manifest, device="cpu", threads=1)})
    assert chosen.name == "onnxruntime-cpu"


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this onnxruntime is the one for GPUs"
)
def test_cuda_without_its_provider_is_rejected() -> None:
    with pytest.raises(BackendError, match="has no CUDAExecutionProvider"):
        OrtBackend(MANIFEST, device="cuda", threads=1)


def test_a_strict_session_leaves_no_node_to_the_cpu() -> None:
    """A provider that runs no node stands for CUDA; without `strict` it falls back silently."""
    session(MANIFEST.weights(), "AzureExecutionProvider", 1, strict=False)
    with pytest.raises(PartlyOnCpu, match="assigned to the default CPU EP"):
        session(MANIFEST.weights(), "AzureExecutionProvider", 1, strict=True)


def test_damaged_weights_are_rejected() -> None:
    text = (MODELS / f"{NAME}.toml").read_bytes()
    broken = MANIFEST.model_copy(update={"file": f"{NAME}.toml", "sha256": hashlib.sha256(text).hexdigest()})
    with pytest.raises(BackendError, match="cannot create a session on CPUExecutionProvider"):
        OrtBackend(broken, device="cpu", threads=1)


def test_a_precision_without_a_file_is_rejected() -> None:
    bare = MANIFEST.model_copy(update={"variants": {}})
    with pytest.raises(BackendError, match="has no file of precision int8"):
        OrtBackend(bare, device="cpu", threads=1, precision="int8")
