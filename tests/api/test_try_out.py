"""The page `/try`: what each host and each profile serves of it."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import pytest

from api.config import UploadLimits
from api.try_out.page import STATIC, try_out
from api.try_out.wallet import SandboxWallet
from sandbox.accounts import ACCOUNTS, BUYER
from sandbox.process import ROOT
from tests.api.storefront import MPP, OFFER, X402, Storefront, open_storefront

WALLET = SandboxWallet(BUYER.address, BUYER.key, {"mpp": "http://127.0.0.1:18546"}, b"export const provider = 1")
SANDBOX = replace(OFFER, rails=(replace(X402, money="sandbox"), replace(MPP, money="sandbox")))
HOSTS = {"x402.example.com": ("x402",), "mpp.example.com": ("mpp",)}


async def test_the_page_allows_its_own_scripts_and_nothing_else(storefront: Storefront) -> None:
    answer = await storefront.client.get("/try")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; style-src 'sha256-" in policy
    assert "script-src 'self'; connect-src 'self'" in policy
    assert "img-src 'self' blob:" in policy
    assert "unsafe" not in policy
    assert "style=" not in answer.text
    assert not re.search(r'<(script|img|link)[^>]+(src|href)="(https?:)?//(?!cutouts)', answer.text)


async def test_every_module_that_is_imported_is_served(storefront: Storefront) -> None:
    """Follows the imports from the page, and the modules of the rails in its data; together they are small."""
    page = await storefront.client.get("/try")
    found, size = set(re.findall(r'(?:src=|"module": )"(/try/[^"]+)"', page.text)), len(page.content)
    assert {"/try/rails/x402.js", "/try/rails/mpp.js"} < found
    todo = list(found)
    while todo:
        path = todo.pop()
        module = await storefront.client.get(path)
        assert (module.status_code, module.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
        assert module.headers["X-Content-Type-Options"] == "nosniff"
        size += len(module.content)
        imported = {urljoin(path, name) for name in re.findall(r"^import .+ from '(.+)'", module.text, re.MULTILINE)}
        todo += imported - found
        found |= imported
    assert found == {f"/try/{file.relative_to(STATIC)}" for file in STATIC.rglob("*.js")}
    assert size <= 100_000


def test_the_modules_keep_to_their_types() -> None:
    compiler = ROOT / "examples" / "node" / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        pytest.fail("examples/node/node_modules is missing. Run: make setup")
    command = [str(compiler), "--project", str(ROOT / "api" / "try_out")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("money", ["testnet", "real"])
async def test_no_development_key_is_served_outside_the_sandbox(tmp_path: Path, money: str) -> None:
    rails = tuple(replace(rail, money=money) for rail in OFFER.rails)  # type: ignore[arg-type] # one of its literals
    offer = replace(OFFER, rails=rails)
    with pytest.raises(ValueError, match="must not be offered outside the sandbox"):
        try_out(offer, UploadLimits(), WALLET)
    async with open_storefront(tmp_path, offer=offer) as storefront:
        texts = [(await storefront.client.get(path)).text for path in ("/try", "/try/main.js", "/try/rails/x402.js")]
        assert not [key for key, _ in ACCOUNTS if any(key[2:] in text for text in texts)]
        assert '"testWallet": null' in texts[0]
        assert (await storefront.client.get("/try/sandbox_wallet.js")).status_code == 404


async def test_the_sandbox_serves_its_wallet(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, offer=SANDBOX, sandbox_wallet=WALLET) as storefront:
        page = await storefront.client.get("/try")
        assert BUYER.key in page.text
        assert "connect-src 'self' http://127.0.0.1:18546" in page.headers["Content-Security-Policy"]
        assert (await storefront.client.get("/try/sandbox_wallet.js")).content == WALLET.script


@pytest.mark.parametrize(("rail", "other"), [("x402", "MPP"), ("mpp", "x402")])
async def test_a_bound_host_offers_its_rail_only(tmp_path: Path, rail: str, other: str) -> None:
    async with open_storefront(tmp_path, offer=replace(SANDBOX, hosts=HOSTS), sandbox_wallet=WALLET) as storefront:
        page = (await storefront.client.get("/try", headers={"Host": f"{rail}.example.com"})).text
        found = re.search(r'<script id="terms" type="application/json">(.*?)</script>', page, re.DOTALL)
        assert found
        assert [each["name"] for each in json.loads(found[1])["rails"]] == [rail]
        statuses = {}
        for name in HOSTS.values():
            answer = await storefront.client.get(f"/try/rails/{name[0]}.js", headers={"Host": f"{rail}.example.com"})
            statuses[name[0]] = answer.status_code
        assert statuses == {rail: 200, other.lower(): 404}
        assert f"{other} payments" not in page
        assert f"Guide to {other}" not in page
