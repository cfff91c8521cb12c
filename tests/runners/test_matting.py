"""The runner's methods: one for each model, each with a batcher of its own."""

from pathlib import Path

import numpy as np
import pytest

from config import load
from models.catalogue.adopt import Facts, Papers, adopt
from models.manifest import ModelManifest
from runners.backend import BackendError, probe_image
from runners.client import method_of
from tests.models.catalogue import graphs
from tests.models.catalogue.graphs import MEAN, SIZE, STD, conv, save


@pytest.fixture
def manifests(tmp_path: Path) -> tuple[ModelManifest, ModelManifest]:
    """The default model, and a small one."""
    file = save(tmp_path, conv(), taken=("N", 3, SIZE, SIZE), outputs={"logits": ("N", 1, SIZE, SIZE)})
    small = adopt(file, "small", Facts(MEAN, STD), Papers("a test's", "MIT", commercial=True), tmp_path / "models")
    return ModelManifest.load(load({}).runner.model), small


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of BentoML, as it is imported
def test_every_model_has_a_method_of_its_own(manifests: tuple[ModelManifest, ModelManifest]) -> None:
    """BentoML has one batcher per batchable method, so what goes to different methods never shares a batch."""
    from runners.matting import matting_runner  # noqa: PLC0415  # see above

    service = matting_runner(manifests, backends=["cpu"], threads=1, max_batch_size=4, timeout_s=30)
    assert set(service.apis) == {method_of(0), method_of(1)}
    assert all(method.batchable for method in service.apis.values())
    assert {method.route for method in service.apis.values()} == {"/infer", "/infer_1"}

    runner = service.inner()
    large = probe_image(manifests[0].input.size)[None]
    assert getattr(runner, method_of(0))(large).shape == large.shape[:3]
    noise = graphs.pictures()
    apart = np.abs(getattr(runner, method_of(1))(noise).astype(int) - graphs.alpha(noise))
    assert apart.max() <= 1
    with pytest.raises(BackendError):
        getattr(runner, method_of(0))(noise)
    runner.close()
