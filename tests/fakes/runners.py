"""A runner as `bentoml.depends` offers it, which answers, fails or stays silent as it is told."""

import asyncio
from collections.abc import Sequence

import numpy as np

from runners.backend import Pixels


class ScriptedRunner:
    """Plays one script entry per call and answers well when the script is over.

    An entry is an exception to raise, or seconds to wait before the answer. The answer is each picture's first colour.
    """

    def __init__(self, script: Sequence[Exception | float] = (), *, ready: bool | Exception | float = True) -> None:
        self.to_async = self
        self.calls = 0
        self._script = list(script)
        self._ready = ready

    async def infer(self, images: Pixels) -> Pixels:
        self.calls += 1
        if self._script:
            await _play(self._script.pop(0))
        return np.ascontiguousarray(images[..., 0])

    async def is_ready(self, timeout: int | None = None) -> bool:  # noqa: ASYNC109  # BentoML's signature
        if isinstance(self._ready, bool):
            return self._ready
        await _play(self._ready)
        return True


async def _play(entry: Exception | float) -> None:
    if isinstance(entry, Exception):
        raise entry
    await asyncio.sleep(entry)
