"""A person buys a cut-out in the browser, each way that the page offers."""

import io
import json

import pytest
from PIL import Image
from playwright.async_api import expect

from sandbox.chains import BaseChain
from tests.browser.visitor import Visitor, earns
from tests.clients.cutouts import assert_cut_out, assert_paid_us
from tests.fakes.injected_wallet import InjectedWallet
from tests.pictures import SIZE


@pytest.mark.parametrize(("way", "rail", "coin"), [("x402-test", "x402", "USDC"), ("mpp-test", "mpp", "pathUSD")])
async def test_the_test_wallet_buys(visitor: Visitor, way: str, rail: str, coin: str) -> None:
    """The price from the 402, the picture, the slider, the download and the receipt; one payment."""
    with earns(visitor.service, **{rail: 1}):
        await visitor.choose()
        assert await visitor.page.inner_text("#price") == "$0.05"
        assert f"Pay 0.05 {coin}" in await visitor.page.inner_text(f"#{way}")
        await visitor.pay(way)
        await visitor.sees("result")
    assert_cut_out(await visitor.download("download"), size=SIZE)
    receipt = json.loads(await visitor.download("receipt"))
    assert (receipt["rail"], receipt["amount"]) == (rail, f"0.05 {coin}")
    transaction = receipt["receipt"].get("transaction") or receipt["receipt"]["reference"]
    assert transaction in await visitor.page.inner_text("#facts")
    chain = visitor.service.base_chain if rail == "x402" else visitor.service.tempo_chain
    assert_paid_us(chain, transaction)
    assert len(visitor.payments) == 1


async def test_an_injected_wallet_buys(owner: Visitor, wallet: InjectedWallet) -> None:
    """It is offered first, and put on the quoted chain before it signs."""
    with earns(owner.service, x402=1):
        await owner.choose()
        first = owner.page.locator("#ways button").first
        assert await first.get_attribute("id") == "x402-wallet"
        await first.click()
        await owner.sees("result")
    assert_cut_out(await owner.download("download"), size=SIZE)
    assert wallet.calls == ["eth_requestAccounts", "wallet_switchEthereumChain", "eth_signTypedData_v4"]
    assert wallet.chain_id == BaseChain.chain_id


async def test_the_slider_parts_before_and_after(visitor: Visitor) -> None:
    """By keyboard: at one end all of the photo is shown, at the other all of the cut-out."""
    await visitor.choose()
    await visitor.pay("x402-test")
    await visitor.sees("result")
    slider = visitor.page.locator("#compare input")
    shown = {}
    for key in ("Home", "End"):
        await slider.press(key)
        shown[key] = Image.open(io.BytesIO(await visitor.page.locator("#compare").screenshot())).convert("RGB")
    width, height = shown["Home"].size
    # The upper right corner has a background in the photo, and the chequered ground in the cut-out.
    corner = (int(width * 0.9), int(height * 0.3))
    assert shown["Home"].getpixel(corner) in ((211, 215, 221), (255, 255, 255))
    assert shown["End"].getpixel(corner) not in ((211, 215, 221), (255, 255, 255))


@pytest.mark.parametrize("means", ["drop", "paste"])
async def test_a_photo_is_dropped_or_pasted(visitor: Visitor, means: str) -> None:
    event, carrier = ("DragEvent", "dataTransfer") if means == "drop" else ("ClipboardEvent", "clipboardData")
    await visitor.page.evaluate(
        f"""bytes => {{
          const data = new DataTransfer()
          data.items.add(new File([new Uint8Array(bytes)], 'holiday.jpg', {{ type: 'image/jpeg' }}))
          document.body.dispatchEvent(new {event}('{means}', {{ {carrier}: data, bubbles: true, cancelable: true }}))
        }}""",
        list(visitor.photo.read_bytes()),
    )
    await visitor.sees("offer")
    assert "holiday.jpg" in await visitor.page.inner_text("#file")


async def test_another_photo_is_another_purchase(visitor: Visitor) -> None:
    """And nothing of the first is left in the browser."""
    with earns(visitor.service, x402=2):
        for _ in range(2):
            await visitor.choose()
            await visitor.pay("x402-test")
            await visitor.sees("result")
            await visitor.page.click("#again")
            await visitor.sees("choose")
    assert len({key for _, key in visitor.payments}) == 2
    assert await visitor.stored() == []
    await expect(visitor.page.locator("#app")).to_be_visible()
