"""What a person reads when nothing is bought: why, what happened to the money, and what can be done."""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from PIL import Image
from playwright.async_api import Browser, Route

from tests.browser.visitor import ROUTE, Visitor, earns, is_paid, visit
from tests.fakes.injected_wallet import REFUSED, UNKNOWN_CHAIN, InjectedWallet
from tests.running_service import RunningService

NOT_CHARGED = "You have not been charged."


async def test_a_file_that_is_no_picture_is_refused_before_the_price(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "letter.jpg"
    file.write_bytes(b"Dear Sir or Madam")
    await visitor.page.set_input_files("#photo", file)
    notice = await visitor.notice()
    assert "Invalid image" in notice
    assert NOT_CHARGED in notice
    await visitor.sees("choose")
    assert await visitor.stored() == []
    await visitor.choose()  # and the page goes on


async def test_a_file_over_the_limit_is_not_sent(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "poster.png"
    file.write_bytes(bytes(25_000_001))
    requests: list[str] = []
    visitor.page.on("request", lambda request: requests.append(request.method))
    await visitor.page.set_input_files("#photo", file)
    notice = await visitor.notice()
    assert "up to 25.0 MB are accepted" in notice
    assert NOT_CHARGED in notice
    assert "POST" not in requests


async def test_an_empty_picture_is_not_charged(visitor: Visitor, tmp_path: Path) -> None:
    """Paid, worked on, refused as empty: the payment is proven unused and forgotten."""
    file = tmp_path / "blank.png"
    Image.new("RGB", (200 + secrets.randbelow(200), 200), (255, 255, 255)).save(file)
    with earns(visitor.service):
        await visitor.choose(file)
        await visitor.pay("x402-test")
        notice = await visitor.notice()
    assert "Nothing found" in notice
    assert NOT_CHARGED in notice
    await visitor.sees("choose")
    assert await visitor.stored() == []


@pytest.mark.parametrize(
    ("method", "error", "words"),
    [
        ("eth_requestAccounts", REFUSED, "You declined in your wallet."),
        ("wallet_switchEthereumChain", UNKNOWN_CHAIN, "does not know Base Sepolia"),
        ("eth_signTypedData_v4", REFUSED, "You declined in your wallet."),
        ("eth_signTypedData_v4", {"code": -32603, "message": "Device locked"}, "Device locked"),
    ],
)
async def test_a_wallet_that_does_not_sign(
    owner: Visitor, wallet: InjectedWallet, method: str, error: dict[str, Any], words: str
) -> None:
    """Nothing leaves the browser; with the second try the same photo is bought."""
    wallet.refusals[method] = error
    with earns(owner.service, x402=1):
        await owner.choose()
        await owner.pay("x402-wallet")
        notice = await owner.notice()
        assert words in notice
        assert NOT_CHARGED in notice
        assert owner.payments == []
        wallet.refusals.clear()
        await owner.sees("offer")
        await owner.pay("x402-wallet")
        await owner.sees("result")


async def test_a_wallet_without_money(browser: Browser, running_service: RunningService, photo: Path) -> None:
    """The service's reason stands on the page, and another payment can be made under the same name."""
    poor = InjectedWallet(f"0x{bytes(Account.create().key).hex()}")
    async with visit(browser, running_service, photo, wallet=poor) as visitor:
        with earns(running_service, x402=1):
            await visitor.choose()
            await visitor.pay("x402-wallet")
            notice = await visitor.notice()
            assert "Payment rejected" in notice
            assert NOT_CHARGED in notice
            await visitor.sees("offer")
            await visitor.pay("x402-test")
            await visitor.sees("result")
        (_, refused), (_, bought) = visitor.payments
        assert refused == bought


async def test_a_browser_without_a_wallet_is_told_how(
    browser: Browser, running_service: RunningService, photo: Path
) -> None:
    """As outside the sandbox: no test wallet, no extension."""

    async def without_test_wallet(route: Route) -> None:
        answer = await route.fetch()
        start, rest = (await answer.text()).split('"testWallet": ')
        end = rest.index("}</script>")
        await route.fulfill(response=answer, body=f'{start}"testWallet": null{rest[end:]}')

    async with visit(browser, running_service, photo) as visitor:
        await visitor.page.route("**/try", without_test_wallet)
        await visitor.page.reload()
        await visitor.choose()
        assert await visitor.page.locator("#ways button").count() == 0
        words = await visitor.page.inner_text("#no-way")
        assert "No wallet was found in this browser." in words
        assert "MPP" in words


@pytest.mark.parametrize(
    ("members", "money"),
    [
        ({"charged": True, "retry_action": "new_payment"}, "Your payment has moved, or may still move."),
        ({"charged": True, "retry_action": "ask_operator"}, "Do not pay again for this photo."),
        ({"retry_action": "new_payment"}, "It is not known yet whether your payment has moved."),
    ],
)
async def test_a_payment_in_doubt_is_kept(visitor: Visitor, members: dict[str, Any], money: str) -> None:
    """No other payment is offered; the same one is sent when the person asks for it."""
    doubt = {"title": "In doubt", "status": 409, "detail": "Nobody knows.", "code": "payment_used", **members}
    answers = [{"status": 409, "content_type": "application/problem+json", "body": json.dumps(doubt)}]

    async def refuse(route: Route) -> None:
        if is_paid(route) and answers:
            return await route.fulfill(**answers.pop())  # type: ignore[arg-type] # a dict of each argument
        return await route.fallback()

    await visitor.page.route(ROUTE, refuse)
    with earns(visitor.service, x402=1):
        await visitor.choose()
        await visitor.pay("x402-test")
        assert money in await visitor.notice()
        assert not await visitor.page.locator("#ways").is_visible()
        (purchase,) = await visitor.stored()
        assert purchase["payment"]["value"] == visitor.payments[0][0]
        await visitor.page.click("text=Send the same payment again")
        await visitor.sees("result")
    assert len(set(visitor.payments)) == 1
