import io
from pathlib import Path

import numpy as np
from PIL import Image

from imaging import Pixels
from tests.api.storefront import Storefront, open_storefront, picture
from version import VERSION


async def test_a_paid_picture_is_an_image_with_its_receipt(storefront: Storefront) -> None:
    answer = await storefront.post(picture(size=(48, 32)), coin="coin-1")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "private"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (answer.headers["X-Width"], answer.headers["X-Height"]) == ("48", "32")
    assert answer.headers["X-Foreground-Haze"] == "0.00"
    assert answer.headers["X-Model"] == "small 7a86178d"
    assert answer.headers["X-Backend"] == "fake"
    assert answer.headers["X-Service-Version"] == VERSION
    assert answer.headers["x-receipt"] == "0xcoin-1"
    assert "Idempotent-Replayed" not in answer.headers
    assert Image.open(io.BytesIO(answer.content)).size == (48, 32)
    assert storefront.rail.moved == ["coin-1"]


async def test_a_picture_without_a_subject_costs_nothing_and_the_payment_buys_another(tmp_path: Path) -> None:
    levels = iter((100, 255))

    async def blind_once(image: Pixels) -> Pixels:
        return np.full(image.shape[:2], next(levels), np.uint8)

    async with open_storefront(tmp_path, infer=blind_once) as storefront:
        refusal = await storefront.post(picture(), coin="coin-1")
        assert (refusal.status_code, refusal.json()["code"]) == (422, "nothing_found")
        assert refusal.json()["charged"] is False
        assert storefront.rail.moved == []
        answer = await storefront.post(picture(size=(30, 30)), coin="coin-1")
        assert answer.status_code == 200, answer.text
        assert storefront.rail.moved == ["coin-1"]


async def test_a_bad_cut_out_says_so(tmp_path: Path) -> None:
    async def unsure(image: Pixels) -> Pixels:
        alpha = np.full(image.shape[:2], 128, np.uint8)
        alpha[: len(alpha) // 4] = 255
        return alpha

    async with open_storefront(tmp_path, infer=unsure) as storefront:
        answer = await storefront.post(picture(), coin="coin-1")
        assert (answer.status_code, answer.headers["X-Foreground-Haze"]) == (200, "0.75")
        in_json = await storefront.post(picture(), coin="coin-1", Accept="application/json")
        assert in_json.json()["data"]["foreground_haze"] == 0.75
