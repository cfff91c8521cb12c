"""Money in base units: whole millionths of a dollar, as USDC on Base and the dollars on Tempo count."""

from decimal import Decimal, InvalidOperation

from clearcanvas.errors import InvalidSetting

DECIMALS = 6


def base_units(dollars: str | Decimal) -> int:
    """`"1.50"`, `"$1.50"` or a Decimal as base units: 1,500,000.

    Raises:
        InvalidSetting: not an amount, negative, or finer than a millionth.
    """
    try:
        units = Decimal(str(dollars).strip().removeprefix("$")).scaleb(DECIMALS)
        if units.is_finite() and units >= 0 and units == int(units):
            return int(units)
    except (InvalidOperation, OverflowError):
        pass
    raise InvalidSetting(f"{dollars!r} must be an amount of dollars with at most {DECIMALS} decimals, such as 1.50.")


def dollars(units: int) -> str:
    """Base units as text: 50,000 is `$0.05`, 51 is `$0.000051`."""
    whole, fraction = divmod(units, 10**DECIMALS)
    digits = f"{fraction:0{DECIMALS}d}".rstrip("0").ljust(2, "0")
    return f"${whole}.{digits}"
