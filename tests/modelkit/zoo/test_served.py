"""What was added is what buyers get."""

from pathlib import Path

import numpy as np

from modelkit.zoo.import_model import GraphHints, Source, import_model
from sandbox.chains import BaseChain, TempoChain
from tests.buying import buy, photograph
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, constant, conv, node, save
from tests.running_service import run_service


async def test_the_service_sells_with_an_added_model(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    """Several at a time, though its graph takes one picture per run."""
    nodes = [*conv(), *constant("shape", np.array([1, 1, SIZE, SIZE])), node("Reshape", ["logits", "shape"], "fixed")]
    file = save(tmp_path, nodes, outputs={"fixed": None})
    papers = Source("a test's", "MIT", commercial=True)
    manifest = import_model(file, "small", GraphHints(MEAN, STD), papers, tmp_path / "models")
    assert manifest.batch == "one"
    settings = {
        "CLEARCANVAS_RUNNER__MODEL": "small",
        "CLEARCANVAS_RUNNER__MODELS_FOLDER": str(tmp_path / "models"),
        "CLEARCANVAS_RUNNER__BACKEND": "cpu",
        "CLEARCANVAS_WORKERS": "1",
    }
    with run_service(base_chain, tempo_chain, tmp_path, settings) as service:
        answers = await buy(service, [photograph(quality) for quality in range(80, 84)])
    assert [(answer.status_code, answer.headers["X-Model"]) for answer in answers] == [(200, manifest.label)] * 4
