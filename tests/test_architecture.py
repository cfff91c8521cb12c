"""Which module may import which: what import-linter's contracts (.importlinter) cannot see, and that they work."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import grimp
import pytest

from sandbox.process import ROOT
from tests.faces import exported, faces, passed_by, used

CONFIG = ConfigParser()
CONFIG.read(ROOT / ".importlinter")
PACKAGES = set(CONFIG["importlinter"]["root_packages"].split())

FOUNDATION = {"errors", "telemetry"}
MAY_IMPORT = {
    "telemetry": {"tracing", "version"},
    "version": set(),
    "concurrency": set(),
    "admission": {"errors"},
    "cpu_quota": set(),
    "logs": set(),
    "memory": set(),
    "metrics_folder": set(),
    "metrics_server": {"telemetry"},
    "process_end": set(),
    "request_state": set(),
    "supervisor": set(),
    "bento_glue": {"memory", "metrics_folder", "process_end", "supervisor"},
    "pipeline": FOUNDATION | {"imaging"},
    "pixel_budget": FOUNDATION | {"imaging"},
    "cut_out": FOUNDATION | {"admission", "concurrency", "imaging", "pipeline", "pixel_budget"},
    "rail_composition": {"config", "payments", "settings_types", "storage"},
    "composition": FOUNDATION
    | {"concurrency", "cpu_quota", "cut_out", "memory", "pipeline", "rail_composition"}
    | {"api", "config", "errors", "imaging", "models", "payments", "runners", "settings_types", "storage"},
    "process_start": {"bento_glue", "config", "logs", "models", "runners", "tracing"},
    "runner_composition": {"config", "models", "process_start", "runners"},
    "deployment": {
        "bento_glue",
        "metrics_server",
        "config",
        "errors",
        "models",
        "process_start",
        "runner_composition",
        "sandbox",
        "storage",
    },
    "api_worker": {"api", "concurrency", "bento_glue", "composition", "config", "models", "payments", "process_end"}
    | {"runner_composition", "runners", "sandbox"},
    "runner_service": {"bento_glue", "deployment", "process_start", "runner_composition"},
    "service": {"api_worker", "bento_glue", "deployment", "process_start", "runner_composition", "runners"},
}
"""Module at the root → modules and packages of ours that it may import. import-linter takes packages as roots only."""

MAY_USE = {
    "starlette": {"api_worker", "bento_glue", "composition", "service"},
    "bentoml": {"bento_glue", "runner_composition", "service", "supervisor"},
    **{name: set() for name in ("PIL", "alembic", "cv2", "mpp", "onnx", "onnxruntime", "sqlalchemy", "web3", "x402")},
}
"""Library → the modules at the root that may import it."""


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_a_module_at_the_root_imports_only_what_is_below_it(module: str) -> None:
    ours = set(_imports(ROOT / f"{module}.py")) & (MAY_IMPORT.keys() | PACKAGES)
    assert ours <= MAY_IMPORT[module]


@pytest.mark.parametrize("library", MAY_USE)
def test_a_library_is_imported_at_the_root_only_where_it_belongs(library: str) -> None:
    importers = {module for module in MAY_IMPORT if library in _imports(ROOT / f"{module}.py")}
    assert importers <= MAY_USE[library]


def test_every_module_and_package_is_checked() -> None:
    """A new module at the root gets a line in MAY_IMPORT, a new package one in .importlinter."""
    assert {file.stem for file in ROOT.glob("*.py")} == set(MAY_IMPORT)
    ignored = {"node_modules", "results", "state"}
    ignored |= {"client"}  # a distribution of its own: tests/buyer_client/test_distribution.py
    assert {file.relative_to(ROOT).parts[0] for file in ROOT.glob("[a-z]*/**/*.py")} - ignored == PACKAGES


def test_every_module_at_the_root_is_packed() -> None:
    """A bento without one of them does not start."""
    packed = (ROOT / "bentofile.yaml").read_text().splitlines()
    assert {f"  - /{module}.py" for module in MAY_IMPORT} <= set(packed)


def test_import_linter_sees_every_file() -> None:
    """A folder without __init__.py inside a package is invisible to it."""
    graph = grimp.build_graph(*sorted(PACKAGES), cache_dir=None)
    files = [file.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    ours = [file for file in files if "node_modules" not in file.parts]
    modules = {".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in ours}
    assert modules - graph.modules == set()


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages' Python files and the contracts, to plant imports in."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / ".importlinter", folder)
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            if "node_modules" not in file.parts:
                target = folder / file.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
    return folder


def test_the_contracts_are_kept(copy: Path) -> None:
    linted = _lint_imports(copy)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("modelkit/evaluation/scores.py", "x402"),
        ("benchmarks/storage.py", "torch"),
        ("models/manifest.py", "runners.backend"),
        ("imaging/headers/exif.py", "models.manifest"),
        ("payments/gate.py", "service"),
        ("training/matting/train.py", "imaging.picture"),
        ("api/form.py", "imaging.formats"),
        ("api/health.py", "payments.monitor"),
        ("config/settings.py", "api.config"),
        ("deploy/migrate.py", "config.rules"),
        ("runners/choice.py", "models.manifest"),
        ("modelkit/evaluation/networks.py", "runners.ort_backend"),
        ("benchmarks/quotes.py", "storage.ledger"),
    ],
)
def test_an_import_upwards_or_behind_a_face_breaks_a_contract(copy: Path, file: str, module: str) -> None:
    path = copy / file
    before = path.read_text()
    path.write_text(f"{before}\nimport {module}\n")
    try:
        linted = _lint_imports(copy)
    finally:
        path.write_text(before)
    assert linted.returncode == 1, linted.stdout
    assert file.removesuffix(".py").replace("/", ".") in linted.stdout


def test_no_module_of_ours_hides_one_of_the_standard_library() -> None:
    assert not (MAY_IMPORT.keys() | PACKAGES) & sys.stdlib_module_names


@pytest.mark.parametrize("face", faces())
def test_a_face_shows_what_others_use_and_nothing_else(face: str) -> None:
    assert exported(face) == used(face)


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_a_module_at_the_root_uses_faces(module: str) -> None:
    """The contracts hold it for packages; import-linter does not see these modules."""
    assert passed_by(Path(f"{module}.py")) == set()


def test_an_import_behind_a_face_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("import config.rules\nfrom imaging import probe\nfrom imaging.probing import ImageInfo\n")
    assert passed_by(file) == {"config.rules", "imaging.probing"}


def test_the_faces_are_found() -> None:
    """Without them the tests above would hold nothing."""
    assert {"api", "config", "errors", "imaging", "models", "payments", "runners", "storage"} <= set(faces())
