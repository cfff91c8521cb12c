import io

from PIL import Image

from tests.api.storefront import Storefront, picture
from version import VERSION


async def test_a_paid_picture_is_an_image_with_its_receipt(storefront: Storefront) -> None:
    answer = await storefront.post(picture(size=(48, 32)), coin="coin-1")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "private"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (answer.headers["X-Width"], answer.headers["X-Height"]) == ("48", "32")
    assert answer.headers["X-Model"] == "small 7a86178d"
    assert answer.headers["X-Backend"] == "fake"
    assert answer.headers["X-Service-Version"] == VERSION
    assert answer.headers["x-receipt"] == "0xcoin-1"
    assert "Idempotent-Replayed" not in answer.headers
    assert Image.open(io.BytesIO(answer.content)).size == (48, 32)
    assert storefront.rail.moved == ["coin-1"]
