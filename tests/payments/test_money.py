"""Prices are exact, and integers of base units once they are paid."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.money import Price


@pytest.mark.parametrize(
    ("usd", "decimals", "units"),
    [("0.05", 6, 50_000), ("0.050", 6, 50_000), ("1", 0, 1), ("5E-2", 2, 5), ("0.05", 18, 5 * 10**16)],
)
def test_counts_base_units(usd: str, decimals: int, units: int) -> None:
    assert Price(Decimal(usd)).base_units(decimals) == units


def test_refuses_a_price_that_the_coin_cannot_express() -> None:
    with pytest.raises(ValueError, match="6 decimal places"):
        Price(Decimal("0.0000005")).base_units(6)


@pytest.mark.parametrize("usd", ["0", "-0.05", "NaN", "Infinity"])
def test_refuses_what_is_no_price(usd: str) -> None:
    with pytest.raises(ValueError, match="positive amount"):
        Price(Decimal(usd))


@pytest.mark.parametrize(("usd", "written"), [("0.05", "0.05"), ("5E-2", "0.05"), ("1E+1", "10"), ("0.50", "0.50")])
def test_is_written_without_exponent(usd: str, written: str) -> None:
    assert str(Price(Decimal(usd))) == written


@given(st.integers(1, 10**27), st.integers(0, 18))
def test_loses_nothing_between_dollars_and_units(units: int, decimals: int) -> None:
    assert Price(Decimal(units).scaleb(-decimals)).base_units(decimals) == units
