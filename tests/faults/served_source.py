"""The copy of the source tree that a campaign serves: with shorter leases, observed ports, and a guard broken if asked.

A copy in any case: hosts that are started again in an hour must be the ones that were started first.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.process import ROOT, SandboxError
from tests.faults import observed_ports
from tests.faults.breaks import BREAKS

_LEFT_OUT = shutil.ignore_patterns(
    ".*", "node_modules", "results", "state", "bentos", "tests", "docs", "loadtests", "__pycache__"
)
WORK_LEASE_S, SETTLE_LEASE_S = 8.0, 24.0
"""Instead of 20 and 60 s, so that a campaign can afford many freezes that are longer than a lease. What renews, ends
and judges leases is the service's own; two thirds of a settlement's lease are longer than its timeout, as before."""
_LEASES = {
    "work_lease_s: float = 20.0": f"work_lease_s: float = {WORK_LEASE_S}",
    "settle_lease_s: float = 60.0": f"settle_lease_s: float = {SETTLE_LEASE_S}",
}


@contextmanager
def source_tree(broken: str | None = None, *, observed: bool = True) -> Iterator[Path]:
    """The folder of a copy, which goes away with the block; `broken` names a guard of `BREAKS`, and `observed` is
    whether its ports report to a campaign. Raises SandboxError."""
    with TemporaryDirectory(prefix="served-") as folder:
        copy = Path(folder) / "source"
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
        for whole, short in _LEASES.items():
            _replace(copy / "payments" / "policy.py", whole, short)
        if broken is not None:
            for change in BREAKS[broken].changes:
                _replace(copy / change.path, change.guard, change.broken)
        if observed:
            _observe(copy)
        yield copy


def _observe(copy: Path) -> None:
    shutil.copy(observed_ports.__file__, copy / "observed_ports.py")
    composition = copy / "composition.py"
    composition.write_text(composition.read_text() + observed_ports.COMPOSED)


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    if text.count(old) != 1:
        raise SandboxError(f"{file.name} holds {text.count(old)} times, and not once: {old.strip()}")
    file.write_text(text.replace(old, new))
