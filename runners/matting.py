"""The matting runner: a BentoML service in a process of its own that joins pictures into batches."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import bentoml
import numpy as np

from models.manifest import ModelManifest
from runners.backend import load_backend
from runners.client import method_of
from runners.ending import end_last
from telemetry import BATCH_SIZE, INFERENCE_SECONDS

_NEVER = 10**9


def matting_runner(
    manifests: Sequence[ModelManifest], *, backends: Sequence[str], threads: int, max_batch_size: int, timeout_s: float
) -> bentoml.Service[Any]:
    """The service `MattingRunner`, to be used through `bentoml.depends`.

    Args:
        manifests: the models to run, each by a method of its own (`runners.client.method_of`).
        backends: "cuda" and "cpu" in the order in which they are tried.
        threads: CPU threads of one inference.
        max_batch_size: pictures per inference.
        timeout_s: after which callers have given up.
    """

    class MattingRunner:
        """Pictures in, alpha out; uint8 both ways, because what crosses the border is copied four times."""

        def __init__(self) -> None:
            from runners.ort_backend import OrtBackend  # noqa: PLC0415  # the other processes need no runtime

            factories = {device: partial(OrtBackend, device=device, threads=threads) for device in ("cuda", "cpu")}
            self.backends = [load_backend(backends, manifest, factories) for manifest in manifests]

        @bentoml.on_startup  # type: ignore[untyped-decorator]
        def outlive_callers(self) -> None:
            end_last(service.url)

        @bentoml.on_shutdown  # type: ignore[untyped-decorator]
        def close(self) -> None:
            for backend in self.backends:
                backend.close()

    for index, manifest in enumerate(manifests):
        setattr(MattingRunner, method_of(index), _method(index, manifest.name, max_batch_size))

    service = cast(
        bentoml.Service[Any],
        bentoml.service(
            name="MattingRunner",
            workers=1,
            # One for each model: none waits for another's inference, and no backend runs on two.
            threads=len(manifests),
            traffic={"timeout": timeout_s},
            metrics={"enabled": False},
            logging={"access": {"enabled": False}},
            # BentoML's client closes its connections after 100 calls or 300 seconds, those in use included.
            runner_connection={"max_requests": _NEVER, "max_age": float(_NEVER)},
        )(MattingRunner),
    )
    return service


def _method(index: int, model: str, max_batch_size: int) -> Any:
    """One model as a method. BentoML's batcher is one per method, with one batch at a time: no batch mixes models."""

    def infer(self: Any, images: np.ndarray) -> np.ndarray:
        BATCH_SIZE.labels(model).observe(len(images))
        with INFERENCE_SECONDS.labels(model).time():
            alpha: np.ndarray = self.backends[index].infer(images)
        return alpha

    infer.__name__ = method_of(index)
    # `max_latency_ms` is the age at which BentoML drops a waiting picture; the client's timeout comes first.
    return bentoml.api(batchable=True, max_batch_size=max_batch_size, max_latency_ms=60_000)(infer)
