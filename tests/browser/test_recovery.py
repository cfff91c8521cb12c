"""Whatever happens between the click and the picture, the photo is paid for once, and the picture arrives."""

import asyncio
import json

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.visitor import ROUTE, Visitor, earns, is_paid
from tests.clients.cutouts import assert_cut_out
from tests.pictures import SIZE

WAYS = [("x402-test", "x402"), ("mpp-test", "mpp")]


@pytest.mark.parametrize(("way", "rail"), WAYS)
async def test_a_lost_answer_is_asked_for_again_with_the_same_payment(visitor: Visitor, way: str, rail: str) -> None:
    """The service has sold; its answer does not arrive, twice."""
    lost = 0

    async def lose(route: Route) -> None:
        nonlocal lost
        if not is_paid(route) or lost == 2:
            return await route.fallback()
        lost += 1
        assert (await route.fetch()).ok
        return await route.abort()

    await visitor.page.route(ROUTE, lose)
    with earns(visitor.service, **{rail: 1}):
        await visitor.choose()
        await visitor.pay(way)
        await visitor.sees("result")
    assert_cut_out(await visitor.download("download"), size=SIZE)
    assert len(visitor.payments) == 3
    assert len(set(visitor.payments)) == 1


@pytest.mark.parametrize(("way", "rail"), WAYS)
async def test_a_reload_in_the_middle_goes_on_with_the_same_payment(visitor: Visitor, way: str, rail: str) -> None:
    """The page is reloaded after the payment has left and before the answer is there: no click is needed."""
    left = asyncio.Event()

    async def hold(route: Route) -> None:
        if not is_paid(route) or left.is_set():
            return await route.fallback()
        await route.fetch()
        left.set()
        return None  # the answer never comes

    await visitor.page.route(ROUTE, hold)
    with earns(visitor.service, **{rail: 1}):
        await visitor.choose()
        await visitor.pay(way)
        await asyncio.wait_for(left.wait(), 60)
        await visitor.page.reload()
        await visitor.sees("result")
    assert_cut_out(await visitor.download("download"), size=SIZE)
    assert len(visitor.payments) == 2
    assert len(set(visitor.payments)) == 1


async def test_a_closed_tab_is_continued_by_the_next(visitor: Visitor) -> None:
    """The payment was signed and stored, and nothing had left yet."""

    async def nothing_leaves(route: Route) -> None:
        if is_paid(route):
            return await route.abort()
        return await route.fallback()

    await visitor.page.route(ROUTE, nothing_leaves)
    with earns(visitor.service, x402=1):
        await visitor.choose()
        await visitor.pay("x402-test")
        await expect(visitor.page.locator("#status")).to_contain_text("Sending the same payment again")
        context = visitor.page.context
        await visitor.page.close()
        visitor.page = await context.new_page()
        await visitor.open()
        await visitor.sees("result")
    assert_cut_out(await visitor.download("download"), size=SIZE)
    (purchase,) = await visitor.stored()
    assert visitor.payments[0] == (purchase["payment"]["value"], purchase["id"])


async def test_two_tabs_make_one_purchase(visitor: Visitor) -> None:
    """The second tab waits for the first, and shows its picture."""
    left, go = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if is_paid(route):
            left.set()
            await go.wait()
        await route.fallback()

    await visitor.page.route(ROUTE, hold)
    with earns(visitor.service, x402=1):
        await visitor.choose()
        await visitor.pay("x402-test")
        await asyncio.wait_for(left.wait(), 60)
        second = Visitor(await visitor.page.context.new_page(), visitor.service, visitor.photo)
        await second.open()
        await second.sees("working")
        go.set()
        await visitor.sees("result")
        await second.sees("result")
    assert await second.download("download") == await visitor.download("download")
    assert len(visitor.payments) == 1


async def test_what_was_bought_is_still_there_after_a_reload(visitor: Visitor) -> None:
    with earns(visitor.service, x402=1):
        await visitor.choose()
        await visitor.pay("x402-test")
        await visitor.sees("result")
        bought = await visitor.download("download")
        await visitor.page.reload()
        await visitor.sees("result")
    assert await visitor.download("download") == bought
    assert len(visitor.payments) == 1


async def test_a_busy_service_is_asked_again(visitor: Visitor) -> None:
    """503 with the words `wait and send the same payment again`, then a proxy's page without any words."""
    busy = {
        "title": "Overloaded",
        "status": 503,
        "detail": "The service is at capacity.",
        "code": "overloaded",
        "charged": False,
        "retryable": True,
        "retry_action": "wait_and_resend",
        "retry_after": 1,
    }
    answers = [
        {"status": 503, "content_type": "application/problem+json", "body": json.dumps(busy)},
        {"status": 502, "content_type": "text/html", "body": "<h1>Bad gateway</h1>"},
    ]

    async def disturb(route: Route) -> None:
        if is_paid(route) and answers:
            return await route.fulfill(**answers.pop(0))  # type: ignore[arg-type] # a dict of each argument
        return await route.fallback()

    await visitor.page.route(ROUTE, disturb)
    with earns(visitor.service, x402=1):
        await visitor.choose()
        await visitor.pay("x402-test")
        await visitor.sees("result")
    assert len(visitor.payments) == 3
    assert len(set(visitor.payments)) == 1


async def test_a_double_click_pays_once(visitor: Visitor) -> None:
    with earns(visitor.service, x402=1):
        await visitor.choose()
        await visitor.page.dblclick("#x402-test")
        await visitor.sees("result")
    assert len(visitor.payments) == 1


async def test_a_browser_that_keeps_nothing_buys_nothing(browser: Browser, visitor: Visitor) -> None:
    """Without IndexedDB a payment would not survive a reload, so none is made."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script("Object.defineProperty(window, 'indexedDB', {value: {open() { throw new Error() }}})")
    other = Visitor(page, visitor.service, visitor.photo)
    await other.open()
    assert "You have not been charged." in await other.notice()
    assert not await page.locator("#photo").is_visible()
    await context.close()
