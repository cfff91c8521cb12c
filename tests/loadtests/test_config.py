"""The loads and their bounds."""

from loadtests.config import QUOTES, Bound, paid


def test_twenty_quotes_a_second_may_take_20_ms_at_p95() -> None:
    assert QUOTES.users == 20
    assert QUOTES.bounds == (Bound("quote, empty request", 0.95, 20),)


def test_one_buyer_waits_2_s_at_p50_and_four_wait_6_s_at_p95() -> None:
    assert {(b.name, b.percentile, b.milliseconds) for b in paid(1).bounds} == {
        ("paid x402", 0.5, 2_000),
        ("paid mpp", 0.5, 2_000),
    }
    assert {(b.percentile, b.milliseconds) for b in paid(4).bounds} == {(0.95, 6_000)}


def test_other_numbers_of_buyers_have_no_bounds() -> None:
    assert paid(7).bounds == ()
