"""The faces of the packages: what each shows, and what others use of it. `python -m tests.faces` prints the figures."""

import ast
import re
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path

from sandbox.process import ROOT

APART = {"tests", "client"}
"""Tests reach inside what they test; the client is a distribution of its own."""

FOR_THE_ROOT = {"api.app", "api.http", "runners.matting"}
"""Faces that only modules at the root use, which import-linter does not see. They load the application, its server and
BentoML, which whoever reads the settings must not, so they are not in `api` and `runners`."""


def faces() -> list[str]:
    """The packages that a contract of .importlinter closes, and the modules that are open beside their `__init__`."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    closed = [contracts[name] for name in contracts.sections() if name.endswith("_face")]
    opened = (re.findall(r"^\*\* -> (\S+)$", each.get("ignore_imports", ""), re.MULTILINE) for each in closed)
    return sorted({each["protected_modules"].removesuffix(".*") for each in closed}.union(FOR_THE_ROOT, *opened))


def exported(face: str) -> set[str]:
    """What its `__all__` lists."""
    path = ROOT.joinpath(*face.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def used(face: str) -> set[str]:
    """What the other packages, the modules at the root and the tools take from it."""
    package = face.partition(".")[0]
    return {name for file in _files() if _root_of(file) != package for module, name in _taken(file) if module == face}


def passed_by(file: Path) -> set[str]:
    """The modules behind a face from which a file takes something all the same."""
    shown, packages = set(faces()), _packages() - {_root_of(file)}
    return {module for module, _ in _taken(file) if module.partition(".")[0] in packages} - shown


def public_names() -> int:
    """How many public names the modules of the packages with a face define."""
    return sum(len(_defined(file)) for file in _files() if _root_of(file) in _packages())


def _packages() -> set[str]:
    return {face.partition(".")[0] for face in faces()}


@cache
def _files() -> list[Path]:
    """Every tracked Python file."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [
        Path(name)
        for name in listed.stdout.splitlines()
        if (ROOT / name).exists() and _root_of(Path(name)) not in APART
    ]


def _root_of(file: Path) -> str:
    return file.parts[0].removesuffix(".py")


@cache
def _taken(file: Path) -> set[tuple[str, str]]:
    """(module, name) of what a file imports from a module, or reads as an attribute of one that it imports."""
    tree = ast.parse((ROOT / file).read_text())
    return set(_imported(tree)) | set(_read(tree))


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if "." in alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def _read(tree: ast.Module) -> Iterator[tuple[str, str]]:
    modules = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules:
            yield modules[ast.unparse(node.value)], node.attr


def _defined(file: Path) -> set[str]:
    """The public names that a module defines at its top level."""
    names: set[str] = set()
    for node in ast.parse((ROOT / file).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return {name for name in names if not name.startswith("_")}


if __name__ == "__main__":
    for each in faces():
        print(f"{each:24} shows {len(exported(each)):3}   used elsewhere {len(used(each)):3}")
    print(f"{'all':24} shows {sum(len(exported(each)) for each in faces()):3} of {public_names()} public names")
