"""A runner as `bentoml.depends` offers it, which answers, fails or stays silent as it is told."""

import asyncio
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace

import numpy as np

from runners.backend import Pixels


class ScriptedRunner:
    """Plays one script entry per call and answers well when the script is over; `asked` are the methods called.

    An entry is an exception to raise, or seconds to wait before the answer. The answer is each picture's first colour.
    """

    def __init__(
        self,
        script: Sequence[Exception | float] = (),
        *,
        ready: bool | Exception | float = True,
        methods: Sequence[str] = ("infer",),
    ) -> None:
        self.to_async = SimpleNamespace(**{name: partial(self._infer, name) for name in methods})
        self.asked: list[str] = []
        self._script = list(script)
        self._ready = ready

    @property
    def calls(self) -> int:
        """How often any of the methods was called."""
        return len(self.asked)

    async def _infer(self, method: str, images: Pixels) -> Pixels:
        self.asked.append(method)
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
