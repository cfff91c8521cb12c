"""`client/` is a distribution of its own: it imports nothing of the service, and what is built of it runs."""

import ast
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
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
    distributions = {"mpp": "pympp", "mcp_types": "mcp", "eth_account": "eth-account"}
    listed = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["mcp"]]
    names = {name.split(".")[0] for file in CLIENT.rglob("*.py") for name in _imports(file)}
    packages = {distributions.get(name, name) for name in names - sys.stdlib_module_names - {"clearcanvas"}}
    assert packages == {requirement.name for requirement in listed}
    for requirement in listed:
        assert requirement.specifier.contains(version(requirement.name)), requirement


def test_what_is_built_of_it_runs(tmp_path: Path) -> None:
    """A wheel, in an environment of its own, with the packages of the tests beside it."""
    uv = Path(sys.executable).with_name("uv")
    build: list[str | Path] = [
        uv,
        "build",
        "--wheel",
        "--offline",
        "--no-cache",
        "--out-dir",
        tmp_path / "dist",
        CLIENT,
    ]
    subprocess.run(build, check=True, capture_output=True, timeout=60)
    [wheel] = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    [packages] = (tmp_path / "venv").glob("lib/python*/site-packages")
    install: list[str | Path] = [uv, "pip", "install", "--offline", "--no-cache", "--no-deps", wheel]
    here = {"PATH": os.environ["PATH"], "VIRTUAL_ENV": str(tmp_path / "venv")}
    subprocess.run(install, env=here, check=True, capture_output=True, timeout=60)
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    program = tmp_path / "venv" / "bin" / "clearcanvas"
    done = subprocess.run([program, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "remove_background" in done.stdout) == (0, True), done.stderr
    where = subprocess.run(
        [
            tmp_path / "venv" / "bin" / "python",
            "-c",
            "import clearcanvas; print(clearcanvas.__file__)",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(tmp_path)
    assert (packages / "clearcanvas" / "py.typed").exists()
