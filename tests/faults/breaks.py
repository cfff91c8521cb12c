"""Negative controls: the source tree with one guard taken out. A campaign over it has to end badly."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.process import ROOT, SandboxError

_LEFT_OUT = shutil.ignore_patterns(
    ".*", "node_modules", "results", "state", "bentos", "tests", "docs", "examples", "loadtests", "__pycache__"
)


@dataclass(frozen=True, slots=True)
class Break:
    """One replacement that has to match exactly once, and what it makes of the service."""

    path: str
    guard: str
    broken: str
    means: str


BREAKS = {
    "look-up": Break(
        "payments/gate.py",
        "        found: Bought | Taken | None = await self._look_up(credential, order)\n",
        "        found: Bought | Taken | None = None\n",
        "a settled payment is judged anew instead of being looked up in the ledger",
    ),
    "doubt": Break(
        "payments/settlement.py",
        "            except _PROVEN as refusal:\n                unmoved = refusal\n",
        "            except ServiceError:\n"
        '                unmoved = PaymentRejected("The settlement failed.", reason="settlement_failed")\n',
        "a settlement whose outcome is unknown is taken for one that moved nothing",
    ),
    "digest": Break(
        "payments/gate.py",
        "        if entry.fingerprint != credential.fingerprint or entry.order_digest != order.digest:\n",
        "        if entry.fingerprint != credential.fingerprint:\n",
        "a settled payment fetches any picture",
    ),
    "entitlement": Break(
        "payments/gate.py",
        "        return Bought(entry.payment.id, receipt) if receipt else None\n",
        '        raise PaymentUsed("This payment has been used.")\n',
        "a settled payment is refused when it is sent again",
    ),
    "chain": Break(
        "payments/settlement.py",
        "                receipt = await rail.find_receipt(entry.payment)\n",
        "                receipt = None\n",
        "a payment in doubt is forgotten without the chain being asked",
    ),
}


@contextmanager
def source_tree(name: str | None) -> Iterator[Path]:
    """A copy of the source to serve from, whole or with the named guard broken. Raises SandboxError.

    A copy in any case: hosts that are started again in an hour must be the ones that were started first.
    """
    with TemporaryDirectory(prefix="served-") as folder:
        copy = Path(folder) / "source"
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
        if name is not None:
            _break(copy, name)
        yield copy


def _break(copy: Path, name: str) -> None:
    broken = BREAKS[name]
    file = copy / broken.path
    text = file.read_text()
    if text.count(broken.guard) != 1:
        raise SandboxError(f"The guard {name!r} is no longer in {broken.path} as tests/faults/breaks.py describes it.")
    file.write_text(text.replace(broken.guard, broken.broken))
