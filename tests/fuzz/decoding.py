"""One mutated file through the steps of the service, and what it cost."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import InvalidImage
from imaging import ImageFormat, Output, decode, encode, finish, probe, to_model_input
from tests.fuzz.mutations import Mutations
from tests.imaging.steps import compose

CPU_S, MEMORY_KB = 3.0, 1_000_000
"""What one file may take: seconds of processor time, and memory of the process that decodes it."""

WHOLE_PIXELS = 1_000_000
"""Up to which a decoded picture goes on through the other steps."""

Steps = Callable[[bytes, ImageFormat], str]


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that did what none may do."""

    number: int
    seed: str
    what: str


def through_the_steps(body: bytes, declared: ImageFormat) -> str:
    """Probe, decode, and for a picture that is not large cut out and write; "decoded" or "refused".

    Raises:
        Exception: anything but a refusal, which is a fault.
    """
    try:
        picture = decode(body, probe(body, declared, 10_000))
    except InvalidImage:
        return "refused"
    if picture.width * picture.height <= WHOLE_PIXELS:
        seen = to_model_input(picture, 64)
        alpha = np.full(seen.shape[:2], 255, np.uint8)
        alpha[:, ::2] = 100
        for output in (Output(), Output(ImageFormat.WEBP)):
            encode(finish(compose(picture, alpha, seen), output).pixels, output)
    return "decoded"


def decode_all(
    seed: int, numbers: range, at: Callable[[int], None], steps: Steps, counts: Counter[str]
) -> Iterator[Fault]:
    """Faults of the files of these numbers; `at` is told each before it is begun, and `counts` what became of it."""
    mutations = Mutations(seed)
    for number in numbers:
        at(number)
        name, body = mutations.file(number)
        declared = ImageFormat.of(body) or ImageFormat[name.partition(" ")[0].upper()]
        began = time.process_time()
        _forget_most_memory()
        try:
            counts[steps(body, declared)] += 1
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
            yield Fault(number, name, f"{type(error).__name__}: {error}")
        cpu, memory = time.process_time() - began, _most_memory_kb()
        if cpu > CPU_S:
            yield Fault(number, name, f"took {cpu:.1f} s of processor time")
        if memory > MEMORY_KB:
            yield Fault(number, name, f"took {memory / 1000:.0f} MB")


def _most_memory_kb() -> int:
    """Of this process since `_forget_most_memory`."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def _forget_most_memory() -> None:
    Path("/proc/self/clear_refs").write_text("5")
