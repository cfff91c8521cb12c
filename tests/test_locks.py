"""The lock files: one for each way to run the network, complete, with hashes, and in step with pyproject.toml."""

import tomllib
from functools import cache

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from sandbox.process import ROOT
from version import VERSION

EXTRAS = ("cpu", "openvino", "gpu", "rtx", "tensorrt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIMES = {"onnxruntime", "onnxruntime-gpu"}
"""They install into one folder, so that the one installed last wins and removing either breaks the other."""


@cache
def _locked(name: str) -> dict[str, tuple[Version, tuple[str, ...]]]:
    """Package → its version and hashes; fails on a line that pins nothing."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    locked = {}
    for line in lines:
        head, *hashes = line.split("--hash=")
        requirement = Requirement(head.strip())
        [pin] = requirement.specifier
        assert pin.operator == "==", line
        locked[requirement.name] = (Version(pin.version), tuple(each.strip() for each in hashes))
    return locked


def _direct(extra: str) -> list[Requirement]:
    """What pyproject.toml asks of this extra by name, those it includes as well."""
    own = [Requirement(each) for each in PROJECT["project"]["optional-dependencies"][extra]]
    included = [more for each in own if each.name == "clearcanvas" for name in each.extras for more in _direct(name)]
    return [each for each in own if each.name != "clearcanvas"] + included


@pytest.mark.parametrize("name", [*EXTRAS, "bootstrap", "dev", "image", "sandbox", "tensorrt-check"])
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    locked = _locked(name)
    assert locked
    without = [package for package, (_, hashes) in locked.items() if not hashes]
    assert not without
    assert all(each.startswith("sha256:") for _, hashes in locked.values() for each in hashes)


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_lock_holds_what_the_project_asks_for(extra: str) -> None:
    """After a change of pyproject.toml: `make lock`."""
    asked = [Requirement(each) for each in PROJECT["project"]["dependencies"]] + _direct(extra)
    locked = _locked(extra)
    unmet = [str(each) for each in asked if each.name not in locked or locked[each.name][0] not in each.specifier]
    assert not unmet


@pytest.mark.parametrize("extra", EXTRAS)
def test_nothing_ships_that_only_tools_use(extra: str) -> None:
    """What only a dependency group names is not in the lock of what runs; BentoML requires two of them."""
    asked = {Requirement(each).name for each in PROJECT["project"]["dependencies"]}
    asked |= {each.name for other in EXTRAS for each in _direct(other)}
    groups = (group for name, group in PROJECT["dependency-groups"].items() if name != "tensorrt-check")
    tools = {Requirement(each).name for group in groups for each in group if isinstance(each, str)} - asked
    tools -= {"pyyaml", "tomli-w"}
    assert {"pytest", "locust", "playwright", "rich-pixels"} <= tools
    assert not tools & _locked(extra).keys()


def test_the_version_is_the_same_in_both_places() -> None:
    """A bento has no pyproject.toml."""
    assert PROJECT["project"]["version"] == VERSION


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_lock_has_one_onnx_runtime(extra: str) -> None:
    assert len(RUNTIMES & _locked(extra).keys()) == 1


def test_the_extras_exclude_each_other() -> None:
    [exclusive] = PROJECT["tool"]["uv"]["conflicts"]
    assert {each["extra"] for each in exclusive} == set(EXTRAS)


@pytest.mark.parametrize("extra", EXTRAS[1:])
def test_everything_else_is_the_same_in_all_of_them(extra: str) -> None:
    base, other = _locked("cpu"), _locked(extra)
    differing = {name for name in base.keys() & other.keys() if base[name][0] != other[name][0]}
    assert not differing
    assert base.keys() - other.keys() <= RUNTIMES


@pytest.mark.parametrize("extra", ["gpu", "tensorrt"])
def test_cuda_stays_at_the_version_that_drivers_of_the_580_series_run(extra: str) -> None:
    cuda = {name: version for name, (version, _) in _locked(extra).items() if name.startswith("nvidia-cuda")}
    assert cuda
    assert {version.release[:2] for version in cuda.values()} == {(13, 0)}


def test_the_lock_of_tensorrt_says_where_its_libraries_come_from() -> None:
    assert str(_locked("tensorrt")["tensorrt-cu13-libs"][0]) == "10.16.1.11"
    assert "from NVIDIA's own package index" in (ROOT / "requirements/tensorrt.txt").read_text()
