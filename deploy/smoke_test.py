"""`python -m deploy.smoke_test`, inside a container: whether the image holds what it must and nothing that it must not.

Exits with 1 and says why when a check fails. It starts no service and needs no settings.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from bentoml import __version__ as bentoml_version

from models import MODELS, ModelManifest
from runners import RunnerConfig
from runners.inference import OrtBackend, load_backend

APP = Path("/app")
WRITABLE = (Path("/var/lib/clearcanvas"), Path("/var/cache/clearcanvas"))
BUILD_TOOLS = ("cc", "gcc", "g++", "clang", "ld", "make", "cmake", "nvcc", "rustc", "cargo", "go", "node", "npm")
INSTALLERS = ("pip", "pip3", "uv", "git")


class CheckFailed(Exception):
    """What is wrong with the image."""


def is_not_root() -> str:
    """The image's user is a number other than 0, so that Kubernetes can see that it is not root."""
    if os.getuid() == 0 or os.getgid() == 0:
        raise CheckFailed("the image runs as root")
    return f"user {os.getuid()}, group {os.getgid()}"


def has_no_build_tools() -> str:
    """Neither compilers nor installers were left behind."""
    found = [path for name in (*BUILD_TOOLS, *INSTALLERS) if (path := shutil.which(name))]
    if found:
        raise CheckFailed(f"found {', '.join(found)}")
    return f"none of {', '.join((*BUILD_TOOLS, *INSTALLERS))}"


def cannot_change_itself() -> str:
    """No file of the code or of the packages is writable; the two volumes are."""
    paths = [path for path in APP.rglob("*") if not path.is_symlink()]
    writable = [str(path) for path in paths if os.access(path, os.W_OK)]
    if writable:
        raise CheckFailed(f"writable: {', '.join(writable[:5])}")
    closed = [str(folder) for folder in WRITABLE if not os.access(folder, os.W_OK | os.X_OK)]
    if closed:
        raise CheckFailed(f"not writable: {', '.join(closed)}")
    return f"{len(paths)} paths are read-only, {' and '.join(map(str, WRITABLE))} are not"


def carries_whole_models() -> str:
    """Every manifest has its weights, and every file of weights has a manifest that names it."""
    manifests = [ModelManifest.load(path.stem) for path in sorted(MODELS.glob("*.toml"))]
    needed = {manifest.path_of(precision) for manifest in manifests for precision in manifest.precisions}
    there = {path for path in (MODELS / "weights").rglob("*") if path.is_file()}
    if needed != there:
        raise CheckFailed(f"weights without manifest or the reverse: {sorted(map(str, needed ^ there))}")
    sizes = sum(len(manifest.weights(precision)) for manifest in manifests for precision in manifest.precisions)
    return f"{', '.join(manifest.label for manifest in manifests)}; {sizes} bytes, digests right"


def names_its_parts() -> str:
    """The SBOM and the licence notices name every installed package."""
    bom = json.loads((APP / "about/sbom.cdx.json").read_text())
    listed = {_normal(each["name"]) for each in bom["components"]}
    notices = (APP / "about/THIRD_PARTY_NOTICES").read_text()
    noticed = {_normal(line) for line in notices.splitlines()}
    installed = {_normal(each.metadata["Name"]) for each in _installed()}
    if missing := installed - listed:
        raise CheckFailed(f"not in the SBOM: {', '.join(sorted(missing))}")
    if missing := installed - noticed:
        raise CheckFailed(f"not in the notices: {', '.join(sorted(missing))}")
    return f"{bom['bomFormat']} {bom['specVersion']} and notices name {len(installed)} packages"


def cuts_out() -> str:
    """The default model cuts the probe picture out on the CPU, whatever else the image can use."""
    manifest = ModelManifest.load(RunnerConfig().model)
    backend = load_backend(("cpu",), manifest, {"cpu": lambda each: OrtBackend(each, device="cpu", threads=1)})
    backend.close()
    return f"{manifest.label} on {backend.name}, bentoml {bentoml_version}"


CHECKS: tuple[Callable[[], str], ...] = (
    is_not_root, has_no_build_tools, cannot_change_itself, carries_whole_models, names_its_parts, cuts_out,
)  # fmt: skip


def main() -> None:
    """Run every check, print a line for each, and exit with 1 when one fails."""
    failed = False
    for check in CHECKS:
        try:
            line = f"ok    {check.__name__}: {check()}"
        except (CheckFailed, OSError) as error:
            failed, line = True, f"FAIL  {check.__name__}: {error}"
        sys.stdout.write(f"{line}\n")
    sys.exit(failed)


def _installed() -> Iterator[Distribution]:
    return (each for each in distributions() if Path(str(each.locate_file(""))).is_relative_to(APP))


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    main()
