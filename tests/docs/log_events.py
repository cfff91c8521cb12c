"""The events that the product logs, read from its code."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from sandbox.process import ROOT

LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


@dataclass(frozen=True)
class Event:
    """One call of a structlog logger."""

    name: str
    level: str
    fields: frozenset[str]
    where: Path


def events() -> Iterator[Event]:
    """Every event that shipped code logs under a name of its own."""
    for path in shipped():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func):
                yield from _events(node, node.func, path)


def shipped() -> Iterator[Path]:
    """Every module that `bentofile.yaml` packs."""
    for pattern in yaml.safe_load((ROOT / "bentofile.yaml").read_text())["include"]:
        path = ROOT / pattern.strip("/")
        if path.is_dir():
            yield from sorted(path.rglob("*.py"))
        elif path.suffix == ".py" and path.is_file():
            yield path


def _is_log(function: ast.Attribute) -> bool:
    return isinstance(function.value, ast.Name) and function.value.id == "log" and function.attr in {*LEVELS, "log"}


def _events(call: ast.Call, function: ast.Attribute, path: Path) -> Iterator[Event]:
    name = call.args[1 if function.attr == "log" else 0]
    fields = frozenset(each.arg for each in call.keywords if each.arg and each.arg != "exc_info")
    for each in (name.body, name.orelse) if isinstance(name, ast.IfExp) else (name,):
        said = each.value if isinstance(each, ast.Constant) else ast.unparse(each)
        yield Event(str(said), function.attr, fields, path.relative_to(ROOT))
