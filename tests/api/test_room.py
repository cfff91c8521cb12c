"""Bytes are shared out: nobody takes all of them."""

from contextlib import ExitStack

import pytest

from api.room import SMALL_BYTES, Room
from errors import Overloaded, UploadsLimited

MEGABYTE = 1_000_000


def test_an_address_has_its_share_and_others_have_theirs() -> None:
    room = Room(40 * MEGABYTE, 10 * MEGABYTE)
    with room.hold("a", is_known=False) as first, room.hold("a", is_known=False) as second:
        first.take(8 * MEGABYTE)
        with pytest.raises(UploadsLimited):
            second.take(3 * MEGABYTE)
        with room.hold("b", is_known=False) as other:
            other.take(3 * MEGABYTE)
    assert (room.held, dict(room.by_address)) == (0, {})


def test_a_part_is_kept_for_payers_who_have_paid_before_and_for_what_is_small() -> None:
    room = Room(40 * MEGABYTE, 10 * MEGABYTE)
    with ExitStack() as stack:
        for address in "abc":
            stack.enter_context(room.hold(address, is_known=False)).take(10 * MEGABYTE)
        stranger = stack.enter_context(room.hold("d", is_known=False))
        with pytest.raises(Overloaded):
            stranger.take(MEGABYTE)
        stranger.take(SMALL_BYTES)
        stack.enter_context(room.hold("e", is_known=True)).take(9 * MEGABYTE)


def test_all_is_all_even_for_what_is_small() -> None:
    room = Room(SMALL_BYTES, MEGABYTE)
    with room.hold("a", is_known=True) as first, room.hold("b", is_known=True) as second:
        first.take(SMALL_BYTES)
        with pytest.raises(Overloaded):
            second.take(1)


def test_what_is_there_already_is_held_whatever_the_limits_say() -> None:
    """A picture that was paid for is sent; others wait until it is."""
    room = Room(MEGABYTE, MEGABYTE)
    with room.hold("a", is_known=True) as paid:
        paid.keep(5 * MEGABYTE)
        with room.hold("b", is_known=True) as other, pytest.raises(Overloaded):
            other.take(1)
    assert room.held == 0
