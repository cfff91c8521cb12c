"""The example programs that the guides print and serve: the files in `examples/`, which the tests buy with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from payments import RailInfo

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATH = "/examples"

_INSTALL = re.compile(r"\b((?:pip|npm) install [^(\n]*[^(\n ])")


@dataclass(frozen=True)
class Program:
    """One file below `examples/`: `name` as it is saved, `path` under which it is served, `text`, and the line in its
    head that installs what it imports."""

    name: str
    path: str
    text: str

    @property
    def install(self) -> str:
        found = _INSTALL.search(self.text)
        if found is None:
            raise ValueError(f"{self.path} has no line that installs its packages")
        return found[1]


def _program(path: str) -> Program:
    return Program(Path(path).name, f"{PATH}/{path}", (EXAMPLES / path).read_text(encoding="utf-8"))


def programs(rail: RailInfo[Any]) -> Mapping[str, Program]:
    """What a rail's guide shows: `python` and `node`, and where curl needs one, the `signer`."""
    return {name: _program(path) for name, path in rail.programs.items()}
