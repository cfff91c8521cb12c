"""`client/` is a distribution of its own: it imports nothing of the service, and what is built of it runs."""

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

from tests.buyer_client.buyer import ROOT

CLIENT = ROOT / "client"
PROJECT = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]


def test_it_imports_nothing_of_ours() -> None:
    ours = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()} - {"client"}
    assert {"errors", "payments"} <= ours
    for file in CLIENT.rglob("*.py"):
        assert not {name.split(".")[0] for name in _imports(file)} & ours, file


def _imports(file: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]


def test_it_names_every_package_that_it_imports() -> None:
    """And the versions that the tests run with satisfy what it asks for."""
    distributions = {"mpp": "pympp", "mcp_types": "mcp", "eth_account": "eth-account", "jwt": "pyjwt"}
    listed = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["mcp"]]
    names = {name.split(".")[0] for file in CLIENT.rglob("*.py") for name in _imports(file)}
    packages = {distributions.get(name, name) for name in names - sys.stdlib_module_names - {"clearcanvas"}}
    assert packages == {requirement.name for requirement in listed}
    for requirement in listed:
        assert requirement.specifier.contains(version(requirement.name)), requirement


def test_what_is_built_of_it_runs(installed: Path, tmp_path: Path) -> None:
    """From the wheel, with its types."""
    find: list[str | Path] = [installed / "bin" / "python", "-c", "import clearcanvas; print(clearcanvas.__file__)"]
    found = subprocess.run(find, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    package = Path(found.stdout.strip()).parent
    assert package.is_relative_to(installed)
    assert (package / "py.typed").exists()
    shown = subprocess.run([installed / "bin" / "clearcanvas", "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == PROJECT["version"]
