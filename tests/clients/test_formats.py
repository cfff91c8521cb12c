"""The buyer chooses PNG or WebP by the query or by Accept."""

import httpx
import pytest

from tests.clients.conftest import SIZE
from tests.clients.counter import Counter
from tests.clients.cutouts import assert_cut_out
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
    async with httpx.AsyncClient(timeout=60, trust_env=False, headers={"Accept": accept}) as client:
        counter = Counter(running_service, client, "x402 v2")
        bought = await counter.post(picture, await counter.sign(picture, parameters), parameters)
    assert bought.status_code == 200, bought.text
    assert bought.headers["Content-Type"] == f"image/{format.lower()}"
    assert_cut_out(bought.content, size=SIZE, format=format)
