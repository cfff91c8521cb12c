"""`GET /v1.0/account`: clients of remove.bg ask it what they have left. There are no accounts, so nothing is."""

from typing import Any

from api.pricing import PriceList

ACCOUNT_PATH = "/v1.0/account"


def account(offer: PriceList) -> dict[str, Any]:
    """No credits and no free calls; the price of a picture beside them."""
    credits = dict.fromkeys(("total", "subscription", "payg", "enterprise"), 0)
    price = {"currency": "USD", "amount": str(offer.default.price)}
    return {"data": {"attributes": {"credits": credits, "api": {"free_calls": 0, "sizes": "all"}, "price": price}}}
