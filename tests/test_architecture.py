"""The walls of the house: which room may import which, and who may touch which library."""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOUNDATION = {"errors", "telemetry"}

MAY_IMPORT = {
    "errors": set(),
    "telemetry": set(),
    "admission": {"errors"},
    "logs": set(),
    "memory": set(),
    "metrics_folder": set(),
    "process_end": set(),
    "respawn": set(),
    "cpu_quota": set(),
    "config": set(),
    "imaging": FOUNDATION,
    "models": FOUNDATION,
    "payments": FOUNDATION,
    "storage": FOUNDATION | {"payments"},
    "runners": FOUNDATION | {"models", "process_end"},
    "pipeline": FOUNDATION | {"admission", "imaging"},
    "api": FOUNDATION | {"admission", "pipeline", "imaging", "payments"},
    "composition": FOUNDATION
    | {"config", "cpu_quota", "memory", "api", "imaging", "payments", "storage", "pipeline", "runners", "models"},
    "bento_process": FOUNDATION
    | {"logs", "memory", "metrics_folder", "process_end", "respawn", "config", "runners", "models"},
    "runner_service": FOUNDATION | {"bento_process", "config", "runners", "models"},
    "service": FOUNDATION
    | {"api", "bento_process", "process_end", "config", "composition", "storage", "runners", "models", "sandbox"},
    "sandbox": {"config"},
}
"""Room → rooms it may import. Nobody imports `service`."""

ONLY_IN = {
    "starlette": {
        "api",
        "payments/middleware.py",
        "runners/app.py",
        "runners/matting.py",
        "runners/probes.py",
        "runners/protocol.py",
        "sandbox",
        "composition.py",
        "service.py",
    },
    "bentoml": {"bento_process.py", "respawn.py", "runner_service.py", "service.py", "runners"},
    "onnx": {"models/node_order.py", "runners/tensorrt"},
    "onnxruntime": {"runners/ort_backend.py"},
    "x402": {"payments/x402", "sandbox"},
    "mpp": {"payments/mpp", "sandbox"},
    "web3": {"payments/x402", "payments/mpp", "sandbox"},
    "sqlalchemy": {"storage"},
    "alembic": {"storage"},
    "PIL": {"imaging"},
    "cv2": {"imaging"},
    "torch": set(),
    "matplotlib": set(),
}
"""Library → the rooms or files that may know it."""


def _files(room: str) -> list[Path]:
    module = ROOT / f"{room}.py"
    return [module] if module.exists() else sorted((ROOT / room).rglob("*.py"))


def _belongs(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    files = _files(room)
    assert files, f"{room} has no files"
    for file in files:
        ours = {name.split(".")[0] for name in _imports(file)} & MAY_IMPORT.keys()
        assert ours - {room} <= MAY_IMPORT[room], (
            f"{file.relative_to(ROOT)} reaches into {ours - {room} - MAY_IMPORT[room]}"
        )


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_only_where_it_belongs(library: str) -> None:
    for room in MAY_IMPORT:
        for file in _files(room):
            if library in {name.split(".")[0] for name in _imports(file)}:
                path = file.relative_to(ROOT).as_posix()
                allowed = ONLY_IN[library]
                assert _belongs(path, allowed), f"{path} imports {library}"


def test_every_root_module_and_folder_is_on_the_map() -> None:
    """A new room gets a line in MAY_IMPORT, or belongs to the tools around the product."""
    tools = {
        "tests",
        "modelkit",
        "training",
        "loadtests",
        "benchmarks",
        "examples",
        "docs",
        "deploy",
        "requirements",
        "state",
        "results",
    }
    modules = {file.stem for file in ROOT.glob("*.py")}
    folders = {file.relative_to(ROOT).parts[0] for file in ROOT.glob("[a-z]*/**/*.py")} - {"node_modules"}
    assert modules | folders <= MAY_IMPORT.keys() | tools


def test_no_room_hides_a_module_of_the_standard_library() -> None:
    assert not MAY_IMPORT.keys() & sys.stdlib_module_names
