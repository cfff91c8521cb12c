"""The page as people meet it: phone and desktop, light and dark, without JavaScript, on hosts with one rail."""

import json
import os
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser

from sandbox.process import ROOT
from tests.browser.visitor import Visitor, earns, visit
from tests.fakes.injected_wallet import REFUSED, InjectedWallet
from tests.running_service import RunningService

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
DEVICES: dict[str, dict[str, Any]] = {
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
    "desktop": {"viewport": {"width": 1280, "height": 900}},
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def look(visitor: Visitor, name: str) -> None:
    """Judge what is shown by axe, and that nothing is wider than the screen; keep a picture where SCREENSHOTS says."""
    await visitor.page.evaluate(AXE.read_text())
    found = await visitor.page.evaluate("axe.run(document)")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
    assert "color-contrast" in {each["id"] for each in found["passes"]}
    assert await visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        await visitor.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("device", DEVICES)
async def test_every_stage_has_no_violation(
    browser: Browser,
    running_service: RunningService,
    photo: Path,
    wallet: InjectedWallet,
    device: str,
    scheme: Literal["light", "dark"],
) -> None:
    wallet.refusals["eth_signTypedData_v4"] = REFUSED
    options = {**DEVICES[device], "color_scheme": scheme}
    async with visit(browser, running_service, photo, wallet=wallet, **options) as visitor:
        name = f"{device}-{scheme}"
        await look(visitor, f"{name}-1-choose")
        await visitor.choose()
        await look(visitor, f"{name}-2-offer")
        await visitor.pay("x402-wallet")
        await visitor.notice()
        await look(visitor, f"{name}-3-notice")
        await visitor.page.route("**/v1/**", lambda route: None)  # no answer comes
        await visitor.pay("x402-test")
        await visitor.sees("working")
        await look(visitor, f"{name}-4-working")
        await visitor.page.unroute("**/v1/**")
        await visitor.page.reload()
        await visitor.sees("result")
        await look(visitor, f"{name}-5-result")


async def test_the_page_is_readable_without_javascript(browser: Browser, running_service: RunningService) -> None:
    """It says what it does and leads to the guides."""
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{running_service.url}/try")
    text = await page.inner_text("body")
    assert "needs JavaScript" in text
    assert "$0.05" in text
    assert "you are not charged" in text
    assert not await page.locator("#app").is_visible()
    for rail in ("x402", "mpp"):
        assert await page.locator(f"main a[href='/guides/{rail}']:visible").count() >= 1
    await context.close()


@pytest.mark.parametrize(("rail", "way"), [("x402", "x402-test"), ("mpp", "mpp-test")])
async def test_a_bound_host_sells_on_its_rail_only(
    browser: Browser, running_service: RunningService, photo: Path, rail: str, way: str
) -> None:
    """Over plain HTTP under a name, too, where browsers have fewer powers."""
    async with visit(browser, running_service, photo, host=f"{rail}.example") as visitor:
        with earns(running_service, **{rail: 1}):
            await visitor.choose()
            ways = visitor.page.locator("#ways button")
            assert [await each.get_attribute("id") for each in await ways.all()] == [way]
            await visitor.pay(way)
            await visitor.sees("result")
        receipt = json.loads(await visitor.download("receipt"))
        assert receipt["rail"] == rail
