"""The chain's RPC over one or two URLs: failover, time limits, and the end of the connections."""

import asyncio
import gc
from contextlib import ExitStack

import pytest
from aiohttp import ClientSession
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from errors import RailUnavailable
from payments.evm.node import MAX_CONNECTIONS, Node
from payments.evm.questions import block_number, code, receipt
from payments.evm.rpc import RpcClient
from payments.evm.sending import send
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, Mode
from tests.contracts.rail_contract import NOBODY
from tests.fakes.serving import serving
from tests.loop_time import loop_time
from tests.payments.conftest import Connect
from tests.payments.evm.fixed_node import UNKNOWN, FixedNode


async def test_the_other_url_answers_and_is_asked_first_from_then_on(
    nodes: ExitStack, connect: Connect, rpc_url: str
) -> None:
    broken = FixedNode("{}", 500)
    rpc = connect(nodes.enter_context(serving(broken.app())), rpc_url)
    assert await rpc.ask(code(BaseChain.token))
    assert await rpc.ask(code(BaseChain.token))
    assert broken.asked == 1


async def test_a_hanging_node_is_given_up_in_time(connect: Connect, flaky_url: str, flaky: Control) -> None:
    rpc = connect(flaky_url, timeout_s=0.3)
    flaky.inject("hang")
    async with loop_time() as passed:
        with pytest.raises(RailUnavailable):
            await rpc.ask(code(BaseChain.token))
    assert passed.seconds < 1


def open_sessions() -> set[ClientSession]:
    return {each for each in gc.get_objects() if type(each) is ClientSession and not each.closed}


async def test_questions_that_are_cancelled_leave_nothing_open_and_hold_up_nobody(rpc_url: str) -> None:
    """Wherever in them the cancellation comes."""
    before = open_sessions()
    for turns in range(25):
        rpc = RpcClient((NOBODY, rpc_url), timeout_s=5.0, chain_id=BaseChain.chain_id)
        questions = [asyncio.create_task(rpc.ask(code(BaseChain.token))) for _ in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for question in questions:
            question.cancel()
        await asyncio.wait(questions)
        async with asyncio.timeout(10):
            assert await rpc.ask(code(BaseChain.token))
        await rpc.aclose()
        assert open_sessions() == before


async def test_a_question_that_goes_on_after_the_end_gets_no_answer(rpc_url: str) -> None:
    """It opens no connection again: nobody would close that."""
    before = open_sessions()
    rpc = RpcClient((rpc_url,), timeout_s=1.0, chain_id=BaseChain.chain_id)

    async def two_questions(node: Node) -> int:
        await node.ask(block_number())
        await rpc.aclose()
        return await node.ask(block_number())

    for _ in range(2):  # in its midst, and from its start
        with pytest.raises(RailUnavailable):
            await rpc.first(two_questions)
    assert open_sessions() == before


async def test_nothing_is_sent_after_the_end(nodes: ExitStack) -> None:
    node = FixedNode("", chain_id="0x14a34")
    rpc = RpcClient((nodes.enter_context(serving(node.app())),), timeout_s=1.0, chain_id=BaseChain.chain_id)
    await rpc.aclose()
    with pytest.raises(RailUnavailable):
        await send(rpc, b"\x02")
    assert node.asked == 0


@pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang", "drop_after_send"])
async def test_every_failure_is_an_outage_within_the_time_limit(
    connect: Connect, flaky_url: str, flaky: Control, mode: Mode
) -> None:
    flaky.inject(mode, seconds=3.0)
    async with loop_time() as passed:
        with pytest.raises(RailUnavailable):
            await connect(flaky_url, timeout_s=0.5).ask(block_number())
    assert passed.seconds < 2


@pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang", "drop_after_send"])
async def test_the_second_url_answers_when_the_first_does_not(
    connect: Connect, rpc_url: str, flaky_url: str, flaky: Control, mode: Mode
) -> None:
    flaky.inject(mode, seconds=3.0)
    assert await connect(flaky_url, rpc_url, timeout_s=0.5).ask(block_number()) > 0


@pytest.mark.parametrize("path", ["", "/ctl"], ids=["nobody listens", "no JSON-RPC"])
async def test_a_url_without_a_node_is_an_outage(connect: Connect, flaky_url: str, path: str) -> None:
    with pytest.raises(RailUnavailable):
        await connect(f"{flaky_url}{path}" if path else NOBODY, timeout_s=0.5).ask(block_number())


async def test_the_url_that_answered_last_is_asked_first(
    connect: Connect, rpc_url: str, flaky_url: str, flaky: Control
) -> None:
    def urls() -> list[str]:
        return [node.url for node in rpc.nodes]

    rpc = connect(NOBODY, flaky_url, rpc_url, timeout_s=0.5)
    assert urls()[0] == NOBODY
    await rpc.ask(block_number())
    assert urls() == [flaky_url, NOBODY, rpc_url]
    flaky.inject("error5xx")
    await rpc.ask(block_number())
    assert urls()[0] == rpc_url


async def test_questions_that_belong_together_are_answered_by_one_node(
    connect: Connect, rpc_url: str, flaky_url: str, flaky: Control
) -> None:
    """The time of one node says nothing about the blocks of another."""
    asked: list[str] = []

    async def both(node: Node) -> tuple[int, object]:
        asked.append(node.url)
        return await asyncio.gather(node.ask(block_number()), node.ask(receipt(UNKNOWN)))

    flaky.inject("error5xx", methods=["eth_getTransactionReceipt"])
    number, found = await connect(flaky_url, rpc_url).first(both)
    assert (number > 0, found, asked) == (True, None, [flaky_url, rpc_url])


async def test_each_node_is_asked_by_itself_and_for_so_long(
    connect: Connect, rpc_url: str, flaky_url: str, flaky: Control
) -> None:
    flaky.inject("hang", seconds=60.0)
    rpc = connect(flaky_url, rpc_url, timeout_s=60.0)
    async with asyncio.timeout(30):
        silent, number = await rpc.each(lambda node: node.ask(block_number()), limit_s=0.3)
    assert isinstance(silent, RailUnavailable)
    assert isinstance(number, int)


async def test_a_flood_of_questions_opens_few_connections() -> None:
    """Each of many payments asks the chain; the service needs its descriptors for clients, database and decoders."""
    clients = set()

    async def answer(request: Request) -> Response:
        assert request.client
        clients.add(request.client.port)
        await asyncio.sleep(0.05)
        return JSONResponse({"jsonrpc": "2.0", "id": 1, "result": "0x14a34"})

    with serving(Starlette(routes=[Route("/", answer, methods=["POST"])])) as url:
        node = Node(url, 1, chain_id=84532, timeout_s=20)
        await asyncio.gather(*(node.ask(block_number()) for _ in range(4 * MAX_CONNECTIONS)))
        await node.aclose()
    assert len(clients) <= MAX_CONNECTIONS
