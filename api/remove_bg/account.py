"""`GET /v1.0/account`: clients of remove.bg read their balance there. There are no accounts, so it is zero."""

from typing import Any

from api.pricing import PriceList

ACCOUNT_PATH = "/v1.0/account"


def account(offer: PriceList) -> dict[str, Any]:
    """No credits, no free calls, and the price of a picture."""
    credits = dict.fromkeys(("total", "subscription", "payg", "enterprise"), 0)
    price = {"currency": "USD", "amount": str(offer.default.price)}
    return {"data": {"attributes": {"credits": credits, "api": {"free_calls": 0, "sizes": "all"}, "price": price}}}
