"""The size and shape of the code by group: `python -m tests.figures`. Nothing is asserted about them.

The product is what ships and is written here, `examples/` and `deploy/` apart.
"""

import ast
import json
import re
import statistics
import subprocess
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.process import ROOT

TOOLS = {"benchmarks", "client", "deploy", "docs", "examples", "loadtests", "modelkit", "sandbox", "tests", "training"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
COLUMNS = ("files", "lines", "lines/file med·p90·max", "body med·p90", "complexity mean·>10·max", "annotated")
MORE_COLUMNS = ("comments", "docstrings", "modules with one", "public functions with one")


def groups() -> dict[str, list[Path]]:
    """The tracked Python files of the product, and of each folder beside it."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, list[Path]] = defaultdict(list)
    for name in listed.stdout.splitlines():
        folder = name.partition("/")[0]
        found[folder if folder in TOOLS else "product"].append(ROOT / name)
    return dict(sorted(found.items(), key=lambda group: (group[0] != "product", group[0])))


def row(files: Sequence[Path]) -> tuple[str, ...]:
    """What the columns say of these files."""
    texts = [file.read_text() for file in files]
    lengths = [text.count("\n") for text in texts]
    trees = [ast.parse(text) for text in texts]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    bodies = [_body(function) for function in functions]
    complexities = _complexities(files)
    total, public = sum(lengths), [function for function in functions if not function.name.startswith("_")]
    return (
        str(len(files)),
        f"{total:,}",
        f"{_ranks(lengths)} · {max(lengths)}",
        _ranks(bodies),
        f"{statistics.mean(complexities):.2f} · {_share(sum(each > 10 for each in complexities), len(complexities))} · "
        f"{max(complexities)}",
        _share(sum(map(_is_annotated, functions)), len(functions)),
        _share(sum(map(_comments, files)), total),
        _share(sum(length for tree in trees for length in _docstrings(tree)), total),
        f"{sum(bool(ast.get_docstring(tree)) for tree in trees)}/{len(files)}",
        _share(sum(bool(ast.get_docstring(function)) for function in public), len(public)),
    )


def _ranks(values: Sequence[int]) -> str:
    return f"{statistics.median(values):g} · {sorted(values)[round(0.9 * (len(values) - 1))]}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _body(function: Function) -> int:
    """Lines of a function without its head and its docstring."""
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return (statements[-1].end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def _complexities(files: Sequence[Path]) -> list[int]:
    """McCabe's, of each function, as ruff counts it."""
    ruff = Path(sys.executable).with_name("ruff")
    options = ["--isolated", "--select=C901", "--config=lint.mccabe.max-complexity=0", "--output-format=json"]
    found = subprocess.run([ruff, "check", *options, *files], capture_output=True, text=True, check=False)
    return [int(re.findall(r"\((\d+) > 0\)", each["message"])[0]) for each in json.loads(found.stdout)] or [0]


def _is_annotated(function: Function) -> bool:
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return function.returns is not None and all(each.annotation or each.arg in {"self", "cls"} for each in given)


def _comments(file: Path) -> int:
    with file.open("rb") as opened:
        return sum(token.type == tokenize.COMMENT for token in tokenize.tokenize(opened.readline))


def _docstrings(tree: ast.Module) -> Iterator[int]:
    """Lines of each docstring, those of constants among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield (node.end_lineno or 0) - node.lineno + 1


if __name__ == "__main__":
    table = Table("group", *COLUMNS, *MORE_COLUMNS)
    for group, members in groups().items():
        table.add_row(group, *row(members))
    Console(width=200).print(table)
