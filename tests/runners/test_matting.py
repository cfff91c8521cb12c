"""The runner as a BentoML service: every model under its name, and no reachable BentoML route."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from config import load
from modelkit.zoo.import_model import GraphHints, Source, import_model
from models.manifest import ModelManifest
from runners.backend import probe_image
from runners.state import STATE, WITHIN, State
from tests.modelkit.zoo import graphs
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, conv, save
from tests.shipped import CPU_BACKEND


@pytest.fixture
def manifests(tmp_path: Path) -> tuple[ModelManifest, ModelManifest]:
    """The default model, and a small one."""
    file = save(tmp_path, conv(), taken=("N", 3, SIZE, SIZE), outputs={"logits": ("N", 1, SIZE, SIZE)})
    small = import_model(
        file, "small", GraphHints(MEAN, STD), Source("a test's", "MIT", commercial=True), tmp_path / "models"
    )
    return ModelManifest.load(load({}).runner.model), small


@pytest.fixture
def service(manifests: tuple[ModelManifest, ModelManifest], tmp_path: Path) -> Any:
    from runners.matting import matting_runner  # noqa: PLC0415  # BentoML warns as it is imported

    return matting_runner(
        manifests,
        backend="cpu",
        precision="auto",
        threads=1,
        engines=tmp_path,
        max_batch_size=None,
        max_wait_s=10,
        timeout_s=30,
    )


@pytest.fixture
def runner(service: Any) -> Iterator[Any]:
    from bento_glue import BypassBentoRoutes  # noqa: PLC0415  # BentoML warns as it is imported

    runner = service.inner()
    yield runner
    runner.close()
    BypassBentoRoutes.application = None  # for tests of other applications


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of BentoML, as it is imported
async def test_every_model_answers_by_its_name(
    service: Any, runner: Any, manifests: tuple[ModelManifest, ModelManifest]
) -> None:
    """Through all of BentoML's layers, as a server would that does not know our protocol."""
    transport = httpx.ASGITransport(service.to_asgi(is_main=False))
    large, small = probe_image(manifests[0].input.size), graphs.pictures()[0]
    async with httpx.AsyncClient(transport=transport, base_url="http://runner") as client:
        answer = await client.post(f"/infer/{manifests[0].name}", content=large.tobytes(), headers={WITHIN: "30"})
        assert len(answer.content) == large.shape[0] ** 2
        state = State.from_json(answer.headers[STATE])
        assert (state.backend, state.batch_limit, state.fault) == (CPU_BACKEND, 1, None)
        assert state.picture_s > 0

        answer = await client.post("/infer/small", content=small.tobytes(), headers={WITHIN: "30"})
        alpha = np.frombuffer(answer.content, np.uint8).reshape(SIZE, SIZE)
        assert np.abs(alpha.astype(int) - graphs.alpha(small[None])[0]).max() <= 1

        wrong = await client.post(f"/infer/{manifests[0].name}", content=small.tobytes(), headers={WITHIN: "30"})
        assert wrong.status_code == 400
        for path in ("/docs.json", "/schema.json", "/healthz", "/"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/readyz")).text == "ok"  # ours, not BentoML's
