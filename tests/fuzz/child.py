"""A process that decodes mutated files, and may die of one: `python -m tests.fuzz.child SEED FIRST LAST NOTE STEPS`."""

import json
import sys
from collections import Counter
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from tests.fuzz.decoding import decode_all


def main(seed: str, first: str, last: str, note: str, steps: str) -> None:
    """Faults go to the standard output, a line each; the number at hand into the file `note`, the counts at the end."""
    module, _, name = steps.partition(":")
    counts: Counter[str] = Counter()
    with Path(note).open("r+b", buffering=0) as file:

        def at(number: int) -> None:
            file.seek(0)
            file.write(b"%12d" % number)

        numbers = range(int(first), int(last))
        for fault in decode_all(int(seed), numbers, at, getattr(import_module(module), name), counts):
            print(json.dumps(asdict(fault)), flush=True)
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
