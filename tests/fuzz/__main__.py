"""Send mutated pictures through the steps of the service, and over HTTP into the service itself.

    make fuzz N=100000 [SEED=1] [POOL=1]

A file must end as a picture or as a refusal: no other error, no death of the process, at most 3 s of processor time and
1 GB of memory. Every 50th is posted to a service on loopback, with a payment of a scripted rail: no answer may be 5xx,
and none but 200 may charge. What fails is written to results/fuzz/, and the command fails. With POOL=1 the first part
is decoding alone, in decoder processes as the service does it.
"""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

import structlog
from rich.progress import track

from tests.fuzz.campaign import BATCH, POOLED, STEPS, Found, fuzz
from tests.fuzz.mutations import Mutations
from tests.fuzz.over_http import post_all

RESULTS = Path("results/fuzz")
ONE_OVER_HTTP = 50


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="how many; default 1000")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other files; default 0")
    parser.add_argument("--pool", action="store_true", help="through decoder processes")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    total = Found()
    batches = fuzz(arguments.files, arguments.seed, POOLED if arguments.pool else STEPS)
    for found in track(batches, "In process", total=-(-arguments.files // BATCH), transient=True):
        total.counts.update(found.counts)
        total.faults += found.faults
    numbers = range(0, arguments.files, ONE_OVER_HTTP)
    posted = asyncio.run(post_all(arguments.seed, numbers))
    total.faults += posted.faults
    _report(arguments.seed, total, posted)
    return 1 if total.faults else 0


def _report(seed: int, total: Found, posted: Found) -> None:
    mutations = Mutations(seed)
    for fault in total.faults:
        RESULTS.mkdir(parents=True, exist_ok=True)
        file = RESULTS / f"{seed}-{fault.number}.bin"
        file.write_bytes(mutations.file(fault.number)[1])
        print(f"{file} ({fault.seed}): {fault.what}")
    print(f"in process: {dict(total.counts)}; over HTTP: {dict(posted.counts)}; faults: {len(total.faults)}")


if __name__ == "__main__":
    sys.exit(main())
