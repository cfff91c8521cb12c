"""An agent buys through the MCP server, by the official client of the SDK."""

import base64
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, ImageContent, TextContent

from sandbox.process import choose_port
from tests.buyer_client.buyer import PROGRAM, Buyer, RailName, environment, run
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE, assert_cut_out, assert_paid_us
from tests.fakes.serving import TRUST

SIZE = (512, 512)


def command(one: Buyer, *options: str) -> list[str]:
    """The server's command line, with a budget for two pictures."""
    journal = str(one.out / "journal.sqlite3")
    budget = ["--url", one.service.url, "--journal", journal, "--max-spend", "0.10"]
    return [*PROGRAM, "mcp", *one.shared, *budget, *options]


@asynccontextmanager
async def over_stdio(one: Buyer, *options: str) -> AsyncIterator[Client]:
    program, *arguments = command(one, *options)
    server = StdioServerParameters(command=program, args=arguments, env=environment())
    async with Client(stdio_client(server)) as agent:
        yield agent


@contextmanager
def served(one: Buyer) -> Iterator[str]:
    """The server over HTTP; where it listens."""
    place = f"127.0.0.1:{choose_port(0)}"
    process = subprocess.Popen(command(one, "--http", place), env=environment(), stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not _listens(place) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield f"http://{place}/mcp"
    finally:
        process.terminate()
        process.wait(20)


def _listens(place: str) -> bool:
    try:
        httpx.get(f"http://{place}/", trust_env=False, verify=TRUST)
    except httpx.HTTPError:
        return False
    return True


def text(result: CallToolResult) -> str:
    """All text of a result."""
    return "\n".join(each.text for each in result.content if isinstance(each, TextContent))


async def test_an_agent_buys_files_over_stdio_within_the_budget(
    buyer: Callable[[RailName], Buyer], tmp_path: Path
) -> None:
    """The tool says its price, keeps to its folder, pays once for a repeated call, and stops at the budget."""
    one = buyer("mpp")
    for name in ("a.JPG", "b", "c"):
        (tmp_path / name).write_bytes(unique_photograph())
    (tmp_path / "notes").write_text("words")
    async with over_stdio(one, "--folder", str(tmp_path)) as agent:
        [tool] = (await agent.list_tools()).tools
        assert tool.name == "remove_background"
        assert "$0.05 per picture" in str(tool.description)

        for outcome in ("bought", "fetched"):
            result = await agent.call_tool("remove_background", {"path": "a.JPG"})
            assert text(result).startswith(outcome)
            [image] = [each for each in result.content if isinstance(each, ImageContent)]
            assert image.mime_type == "image/png"
            assert_cut_out(base64.b64decode(image.data), size=SIZE)
            receipt = (result.structured_content or {})["receipt"]
            assert_paid_us(one.chain, receipt["transaction"])
        assert one.transfers() == [PRICE]

        saved = await agent.call_tool("remove_background", {"path": "b", "save_as": "b.png"})
        assert text(saved).startswith("bought")
        assert_cut_out((tmp_path / "b.png").read_bytes(), size=SIZE)
        assert json.loads((tmp_path / "b.png.receipt.json").read_text())["amount"] == PRICE

        over = await agent.call_tool("remove_background", {"path": "c"})
        assert over.is_error
        assert "exceed the budget of $0.10" in text(over)
        for wrong in ("../" + one.out.parent.name, "/etc/passwd", "notes", "missing"):
            refused = await agent.call_tool("remove_background", {"path": wrong})
            assert refused.is_error, wrong
        taken = await agent.call_tool("remove_background", {"path": "a.JPG", "save_as": "b"})
        assert "exists and is not the bought result" in text(taken)
        forced = {"path": "a.JPG", "save_as": "b", "options": {"overwrite": "true"}}
        assert (await agent.call_tool("remove_background", forced)).is_error
    assert one.transfers() == [PRICE] * 2


async def test_an_agent_buys_base64_over_streamable_http(buyer: Callable[[RailName], Buyer]) -> None:
    one = buyer("x402")
    picture = base64.b64encode(unique_photograph()).decode()
    with served(one) as url:
        async with Client(url) as agent:
            sent = {"image_base64": f"data:image/jpeg;base64,{picture}", "format": "webp"}
            result = await agent.call_tool("remove_background", sent)
            assert text(result).startswith("bought"), text(result)
            [image] = [each for each in result.content if isinstance(each, ImageContent)]
            assert_cut_out(base64.b64decode(image.data), size=SIZE, format="WEBP")
            for wrong in ({}, {"image_base64": "%%%"}, {"path": "a.jpg"}, {"image_base64": picture, "path": "a.jpg"}):
                assert (await agent.call_tool("remove_background", wrong)).is_error, wrong
    assert one.transfers() == [PRICE]


def test_a_server_that_cannot_ask_for_the_price_says_why(buyer: Callable[[RailName], Buyer]) -> None:
    one = buyer("x402")
    code, said = run("mcp", *one.shared, "--url", "http://127.0.0.1:1", "--journal", one.out / "journal")
    assert code == 5
    assert "does not answer" in said
