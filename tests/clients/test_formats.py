"""The buyer chooses the format by the query or by Accept, and further options by the query."""

from io import BytesIO

import httpx
import pytest
from PIL import Image

from tests.clients.cutouts import assert_cut_out
from tests.clients.purchase_client import WAYS, PurchaseClient, Way
from tests.fakes.serving import TRUST
from tests.pictures import SIZE
from tests.running_service import RunningService


@pytest.mark.parametrize(
    ("parameters", "accept", "format"),
    [
        ("", "*/*", "PNG"),
        ("format=webp", "*/*", "WEBP"),
        ("", "image/webp", "WEBP"),
        ("", "image/webp,image/png", "PNG"),
        ("format=png", "image/webp", "PNG"),
    ],
)
async def test_the_picture_comes_in_the_format_asked_for(
    running_service: RunningService, picture: bytes, parameters: str, accept: str, format: str
) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST, headers={"Accept": accept}) as client:
        buyer = PurchaseClient(running_service, client, "x402 v2")
        bought = await buyer.post(picture, await buyer.sign(picture, parameters), parameters)
    assert bought.status_code == 200, bought.text
    assert bought.headers["Content-Type"] == f"image/{format.lower()}"
    assert_cut_out(bought.content, size=SIZE, format=format)


@pytest.mark.parametrize("way", WAYS)
async def test_options_are_bought_on_every_rail(running_service: RunningService, picture: bytes, way: Way) -> None:
    options = "format=jpeg&bg_color=white&crop=true&crop_margin=10%25&max_side=128"
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        buyer = PurchaseClient(running_service, client, way)
        bought = await buyer.post(picture, await buyer.sign(picture, options), options)
    assert bought.status_code == 200, bought.text
    with Image.open(BytesIO(bought.content)) as image:
        assert (image.format, image.mode, max(image.size)) == ("JPEG", "RGB", 128)
