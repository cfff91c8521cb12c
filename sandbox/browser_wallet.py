"""The official SDKs bundled for browsers: the wallet with which the page `/try` pays from the sandbox's account."""

import hashlib
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.process import ROOT, SandboxError

CLIENTS = ROOT / "examples" / "node"
SOURCE = CLIENTS / "browser_wallet.mts"
ESBUILD = CLIENTS / "node_modules" / ".bin" / "esbuild"
OPTIONS = ("--bundle", "--minify", "--format=esm", "--platform=browser", "--target=es2022", "--legal-comments=none")


def build(folder: Path = ROOT / "state") -> Path | None:
    """Bundle the wallet, unless that is done; None where the JavaScript clients are not installed.

    Raises:
        SandboxError: esbuild refuses the source.
    """
    if not ESBUILD.exists():
        return None
    file = _file(folder)
    if not file.exists():
        folder.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix="sandbox_wallet-") as own:  # other services may build it now, too
            made = Path(own, file.name)
            command: list[str | Path] = [ESBUILD, SOURCE, *OPTIONS, f"--outfile={made}", "--log-level=error"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
            if done.returncode:
                raise SandboxError(f"The test wallet cannot be bundled:\n{done.stderr}")
            made.replace(file)
    return file


def load(folder: Path = ROOT / "state") -> bytes | None:
    """The wallet as it was built; None where it was not."""
    file = _file(folder)
    return file.read_bytes() if file.exists() else None


def _file(folder: Path) -> Path:
    """Named by what it is made of: the source and the locked packages."""
    parts = (SOURCE.read_bytes(), (CLIENTS / "package-lock.json").read_bytes(), " ".join(OPTIONS).encode())
    return folder / f"sandbox_wallet-{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}.js"
