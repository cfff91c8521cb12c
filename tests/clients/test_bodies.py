"""A picture in a form and in JSON, and the cut-out in JSON, bought on every rail."""

import base64

import httpx
import pytest

from tests.api.bodies.forms import JSON, MULTIPART, as_json, file_part, multipart, part
from tests.clients.cutouts import assert_cut_out
from tests.clients.purchase_client import WAYS, PurchaseClient, Way
from tests.fakes.serving import TRUST
from tests.pictures import SIZE
from tests.running_service import RunningService


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", ["form", "json"])
async def test_a_picture_is_bought_in_every_form(
    running_service: RunningService, picture: bytes, body: str, way: Way
) -> None:
    """The quote is for the picture, whatever form it comes in; the same payment gets it again as it is."""
    form = multipart(file_part(picture), part("format", "png"))
    content_type, content = (MULTIPART, form) if body == "form" else (JSON, as_json(picture, format="png"))
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST, headers={"Accept": JSON}) as client:
        buyer = PurchaseClient(running_service, client, way)
        before = buyer.earned()
        payment = await buyer.sign(picture, "format=png")
        bought = await buyer.post(content, {"Content-Type": content_type, **payment})
        assert bought.status_code == 200, bought.text
        again = await buyer.post(picture, {**payment, "Accept": "image/png"}, "format=png")
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
        earned = buyer.earned() - before
    cut_out = base64.b64decode(bought.json()["data"]["result_b64"], validate=True)
    assert_cut_out(cut_out, size=SIZE, format="PNG")
    assert (again.content, earned) == (cut_out, 50_000)
