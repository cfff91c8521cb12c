"""Mutated files in processes of their own: one that dies or hangs is a finding, and the next goes on behind it."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.decoding import Fault
from tests.fuzz.mutations import Mutations

STEPS = "tests.fuzz.decoding:through_the_steps"
POOLED = "tests.fuzz.pooled:through_the_pool"
BATCH = 2000
"""Files of one process: a leak of a codec does not add up."""

PATIENCE_S = 600.0
"""For one batch; a file that hangs is the one that was at hand then."""


@dataclass
class Found:
    """What a campaign has come to: how many files were decoded and refused, and the faults."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)


def fuzz(count: int, seed: int, steps: str = STEPS) -> Iterator[Found]:
    """After each batch, all of that batch."""
    batches = [range(first, min(first + BATCH, count)) for first in range(0, count, BATCH)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(lambda numbers: _batch(seed, numbers, steps), batches)


def _batch(seed: int, numbers: range, steps: str) -> Found:
    found, first, last = Found(), numbers.start, numbers.stop
    with tempfile.NamedTemporaryFile() as note:
        while first < last:
            note.seek(0)
            note.write(b"%12d" % first)
            note.flush()
            died = _run(seed, first, last, Path(note.name), steps, found)
            if died is None:
                return found
            at = int(Path(note.name).read_text())
            found.faults.append(Fault(at, Mutations(seed).file(at)[0], died))
            first = at + 1
    return found


def _run(seed: int, first: int, last: int, note: Path, steps: str, found: Found) -> str | None:
    """One process; how it ended, where it did before its time."""
    command = [sys.executable, "-m", "tests.fuzz.child", *map(str, (seed, first, last, note, steps))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, errors = process.communicate(timeout=PATIENCE_S)
        ended = f"process ended with {process.returncode}: {errors.strip().splitlines()[-1:]}"
    except subprocess.TimeoutExpired:
        process.kill()
        out, ended = process.communicate()[0], "does not end"
    lines = [json.loads(line) for line in out.splitlines()]
    done = process.returncode == 0
    if done:
        found.counts.update(lines.pop())
    found.faults += [Fault(**line) for line in lines]
    return None if done else ended
