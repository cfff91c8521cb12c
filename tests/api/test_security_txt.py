"""`/.well-known/security.txt`, where the operator has a contact."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.api.storefront import OFFER, Storefront, open_storefront

PATH = "/.well-known/security.txt"


async def test_it_names_the_contact_and_expires_within_a_year(tmp_path: Path) -> None:
    offer = replace(OFFER, contact="mailto:security@example.com")
    async with open_storefront(tmp_path, offer=offer) as storefront:
        answer = await storefront.client.get(PATH)
        described = (await storefront.client.get("/openapi.json")).json()
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:security@example.com"
    assert fields["Canonical"] == f"{OFFER.public_url}{PATH}"
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=360) < left < timedelta(days=365)
    assert described["info"]["contact"] == {"email": "security@example.com"}


async def test_there_is_none_without_a_contact(storefront: Storefront) -> None:
    assert (await storefront.client.get(PATH)).status_code == 404
