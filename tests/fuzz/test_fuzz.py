"""A sample of `make fuzz`, and proof that it finds what it looks for."""

from collections import Counter

import pytest

from tests.fuzz.campaign import BATCH, POOLED, Found, fuzz
from tests.fuzz.mutations import Mutations
from tests.fuzz.over_http import post_all

SEED = 17


def campaign(count: int, steps: str | None = None) -> Found:
    total = Found()
    for found in fuzz(count, SEED, *([steps] if steps else [])):
        total.counts.update(found.counts)
        total.faults += found.faults
    return total


def test_a_number_names_a_file() -> None:
    one, other = Mutations(SEED), Mutations(SEED)
    assert [one.file(number) for number in range(50)] == [other.file(number) for number in range(50)]
    assert len({one.file(number)[1] for number in range(200)}) > 150


def test_every_format_is_mutated_alike() -> None:
    mutations = Mutations(SEED)
    formats = Counter(mutations.file(number)[0].partition(" ")[0] for number in range(300))
    assert min(formats[each] for each in ("png", "jpeg", "webp")) > 70


def test_no_mutated_file_is_more_than_a_refusal() -> None:
    found = campaign(600)
    assert found.faults == []
    assert found.counts.total() == 600
    assert min(found.counts["decoded"], found.counts["refused"]) > 60


def test_no_mutated_file_ends_a_decoder_process() -> None:
    found = campaign(100, POOLED)
    assert found.faults == []
    assert found.counts.keys() == {"decoded", "refused"}


async def test_no_mutated_file_gets_5xx_or_charges_for_nothing() -> None:
    found = await post_all(SEED, range(0, 600, 12))
    assert found.faults == []
    assert found.counts.keys() == {"200", "400"}


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ("crashing", "process ended with -6"),
        ("raising", "KeyError: 'no such chunk'"),
        ("greedy", "MB"),
        ("slow", "s of processor time"),
    ],
)
def test_what_no_file_may_do_is_found(steps: str, what: str) -> None:
    """By the number of the file, and the files behind it are tried as well."""
    found = campaign(250, f"tests.fakes.decoders:{steps}")
    assert found.faults
    assert all(what in fault.what for fault in found.faults)
    mutations = Mutations(SEED)
    assert all(len(mutations.file(fault.number)[1]) % 50 == 7 for fault in found.faults)
    assert {fault.number for fault in found.faults} >= {
        number for number in range(250) if len(mutations.file(number)[1]) % 500 == 7
    }
    assert BATCH > 250
