"""The matting runner: a BentoML service in a process of its own that joins pictures into batches."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import bentoml
import numpy as np

from models.manifest import ModelManifest
from runners.backend import load_backend
from runners.ending import end_last
from telemetry import BATCH_SIZE

_NEVER = 10**9


def matting_runner(
    manifest: ModelManifest, *, backends: Sequence[str], threads: int, max_batch_size: int, timeout_s: float
) -> bentoml.Service[Any]:
    """The service `MattingRunner`, to be used through `bentoml.depends`.

    Args:
        manifest: the model to run.
        backends: "cuda" and "cpu" in the order in which they are tried.
        threads: CPU threads of one inference.
        max_batch_size: pictures per inference.
        timeout_s: after which callers have given up.
    """

    @bentoml.service(
        name="MattingRunner",
        workers=1,
        traffic={"timeout": timeout_s},
        metrics={"enabled": False},
        logging={"access": {"enabled": False}},
        # BentoML's client closes its connections after 100 calls or 300 seconds, those in use included.
        runner_connection={"max_requests": _NEVER, "max_age": float(_NEVER)},
    )
    class MattingRunner:
        """Pictures in, alpha out; uint8 both ways, because what crosses the border is copied four times."""

        def __init__(self) -> None:
            from runners.ort_backend import OrtBackend  # noqa: PLC0415  # the other processes need no runtime

            factories = {device: partial(OrtBackend, device=device, threads=threads) for device in ("cuda", "cpu")}
            self._backend = load_backend(backends, manifest, factories)

        # `max_latency_ms` is the age at which BentoML drops a waiting picture; the client's timeout comes first.
        @bentoml.api(batchable=True, max_batch_size=max_batch_size, max_latency_ms=60_000)  # type: ignore[untyped-decorator]
        def infer(self, images: np.ndarray) -> np.ndarray:
            BATCH_SIZE.observe(len(images))
            return self._backend.infer(images)

        @bentoml.on_startup  # type: ignore[untyped-decorator]
        def outlive_callers(self) -> None:
            end_last(service.url)

        @bentoml.on_shutdown  # type: ignore[untyped-decorator]
        def close(self) -> None:
            self._backend.close()

    service = cast(bentoml.Service[Any], MattingRunner)
    return service
