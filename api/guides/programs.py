"""The example programs in the guides: the files in `examples/`, which the tests use to buy."""

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
    """A file in `examples/`: `name` of the file, `path` of its URL, `text`, and the line in its head that installs its
    packages."""

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
    """The programs of a rail's guide: `python`, `node`, and the `signer` if curl needs one."""
    return {name: _program(path) for name, path in rail.programs.items()}
