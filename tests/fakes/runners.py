"""A runner as `RunnerClient` sees it, which answers, fails or stays silent as it is told."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from runners.backend import Pixels
from runners.state import State

WELL = State(wait_s=0.0, picture_s=0.1, waiting=0, batch_limit=1, backend="scripted")


class ScriptedRunner:
    """Plays one entry of a script per call and answers well when the script is over; `asked` are the models asked for.

    An entry is an exception to raise, or seconds to wait before the answer. The answer is each picture's first colour.

    Args:
        infer, looks: the scripts of `infer` and of `state`.
    """

    def __init__(self, infer: Sequence[Exception | float] = (), *, looks: Sequence[Exception | float] = ()) -> None:
        self.tells = WELL
        self.asked: list[str] = []
        self.within_s: list[float] = []
        self._infer, self._looks = list(infer), list(looks)

    @property
    def calls(self) -> int:
        """How many pictures came."""
        return len(self.asked)

    def tell(self, *, wait_s: float = 0.0, picture_s: float = 0.1, fault: str | None = None) -> None:
        """How it is from now on."""
        self.tells = replace(WELL, wait_s=wait_s, picture_s=picture_s, fault=fault)

    def look_script(self, *entries: Exception | float) -> None:
        """What the next questions meet."""
        self._looks = list(entries)

    async def infer(self, model: str, image: Pixels, *, within_s: float) -> tuple[Pixels, State]:
        self.asked.append(model)
        self.within_s.append(within_s)
        await _play(self._infer)
        return np.ascontiguousarray(image[..., 0]), self.tells

    async def state(self, model: str) -> State:
        await _play(self._looks)
        return self.tells


async def _play(script: list[Exception | float]) -> None:
    if not script:
        return
    entry = script.pop(0)
    if isinstance(entry, Exception):
        raise entry
    await asyncio.sleep(entry)
