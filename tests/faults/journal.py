"""The journals of a leg's hosts: what the observed ports wrote down of each call (see `observed_ports`)."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]
"""`step`, `payment` (the ledger's id), `pid`, `began_at` and `ended_at` (unix seconds), `outcome`."""


def read(paths: Iterable[Path]) -> Iterator[Line]:
    """All complete lines; a killed process may have left a partial one."""
    for path in paths:
        if path.exists():
            for text in path.read_text().splitlines():
                try:
                    yield json.loads(text)
                except ValueError:
                    continue


def short_id(ledger_id: str) -> str:
    """What ends the ledger's id of a payment: the nonce, or the id of the challenge."""
    return ledger_id.rpartition(":")[2].lower() if ":" in ledger_id else ledger_id
