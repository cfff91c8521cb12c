"""A stand-in for a runner: the runner's own interface and queue, before a network that takes a fixed time and no CPU.

For measurements where there are not enough cores for several networks:
python -m tests.fleet.proof.stand_in HOST SECONDS
"""

import os
import sys
import time

import numpy as np
import uvicorn

from config import load, runner_faults
from models import MODELS, load_served
from runners.app import RunnerApp, ServedModel
from runners.backend import Pixels
from runners.batcher import Batcher


def alpha_after(seconds: float, images: Pixels) -> Pixels:
    """uint8 [N,S,S,3] → uint8 [N,S,S]: the middle of each picture is its subject."""
    time.sleep(seconds * len(images))
    alpha = np.zeros(images.shape[:3], np.uint8)
    edge = images.shape[1] // 4
    alpha[:, edge:-edge, edge:-edge] = 255
    return alpha


def main() -> None:
    """Serve until killed."""
    host, seconds = sys.argv[1], float(sys.argv[2])
    settings = load(os.environ, rules=runner_faults)
    [manifest] = load_served(settings.model_prices(), MODELS, for_money=False)
    batcher = Batcher(lambda images: alpha_after(seconds, images), limit=1, max_wait_s=60)
    assert settings.runner.token is not None
    app = RunnerApp(
        {manifest.name: ServedModel(manifest.input.size, "stand-in", batcher)},
        versions={manifest.name: manifest.version},
        token=settings.runner.token.get_secret_value(),
    )
    uvicorn.run(app, host=host, port=settings.runner.port, http="h11", lifespan="off", log_config=None)


if __name__ == "__main__":
    main()
