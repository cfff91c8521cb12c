"""The chain's RPC: whatever is wrong with an answer is an outage, and its URL stays secret."""

import asyncio
import gc
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from types import ModuleType

import aiohttp
import aiohttp.http_exceptions
import eth_abi.exceptions
import httpx
import pytest
from aiohttp import ClientSession
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from x402.mechanisms.evm.constants import BALANCE_OF_ABI, IS_VALID_SIGNATURE_ABI

from errors import RailUnavailable
from payments.evm.node import FAILURES, MAX_CONNECTIONS, Node, WrongChain
from payments.evm.question import JsonRpcError, Question, Reverted, UnexpectedReturn
from payments.evm.questions import block, block_number, call, code, fee_history, logs, receipt, transaction_count
from payments.evm.rpc import RpcClient
from payments.evm.sending import NodeRefusal, NonceTooLow, send
from payments.x402.contracts import UNENCODABLE, read_contract
from sandbox.accounts import BUYER, STRANGER
from sandbox.anvil import anvil
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, Mode
from tests.contracts.rail_contract import NOBODY
from tests.fakes.serving import TRUST, serving
from tests.loop_time import loop_time
from tests.payments.conftest import Connect

OFFCHAIN_LOOKUP = "0x556f1830"  # selector of the error by which a contract sends its caller to a URL
REASON = "08c379a0" + encode(["string"], ["authorization is used"]).hex()


NOT_RAISED_BY_CALLS = {
    aiohttp.WebSocketError,
    aiohttp.WSMessageTypeError,
    aiohttp.BadContentDispositionHeader,
    aiohttp.BadContentDispositionParam,
    aiohttp.EofStream,  # of multipart bodies
}
"""aiohttp's errors of web sockets and multipart bodies, and its warnings."""


class FixedNode:
    """A node that gives one answer to everything but the chain id, if it knows that, and counts the questions."""

    def __init__(self, body: str, status: int = 200, *, chain_id: str | None = None) -> None:
        self.asked = 0
        self._chain_id = chain_id
        self._body = body
        self._status = status

    async def answer(self, request: Request) -> Response:
        self.asked += 1
        if self._chain_id and (await request.json())["method"] == "eth_chainId":
            return JSONResponse({"jsonrpc": "2.0", "id": 0, "result": self._chain_id})
        return Response(self._body, self._status, media_type="application/json")

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.answer, methods=["POST"])])


def failing(error: dict[str, object]) -> FixedNode:
    return FixedNode(json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}), chain_id="0x14a34")


A_CALL = call(STRANGER.address, "0x")
UNKNOWN = "0x" + "12" * 32


@pytest.fixture
def nodes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


BROKEN = {
    "web page": FixedNode("<html>"),
    "nothing": FixedNode(""),
    "list": FixedNode("[]"),
    "text": FixedNode('"x"'),
    "no result": FixedNode('{"jsonrpc":"2.0","id":0}'),
    "null": FixedNode('{"jsonrpc":"2.0","id":0,"result":null}'),
    "rate limit": FixedNode('{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"limit"}}'),
    "error text": FixedNode('{"jsonrpc":"2.0","id":0,"error":"boom"}'),
    "500": FixedNode("{}", 500),
    "429": FixedNode("{}", 429),
}


@pytest.mark.parametrize("node", BROKEN.values(), ids=BROKEN.keys())
async def test_an_answer_that_cannot_be_read_is_an_outage(nodes: ExitStack, connect: Connect, node: FixedNode) -> None:
    rpc = connect(nodes.enter_context(serving(node.app())))
    for question in (
        rpc.ask(code(STRANGER.address)),
        rpc.ask(A_CALL),
        read_contract(rpc, STRANGER.address, BALANCE_OF_ABI, "balanceOf", STRANGER.address, sender=STRANGER.address),
        rpc.ask(logs(STRANGER.address, [], first=1, last=2)),
        rpc.ask(block("latest")),
        rpc.ask(block_number()),
        rpc.ask(transaction_count(STRANGER.address, "latest")),
        rpc.ask(fee_history(5, 25)),
    ):
        with pytest.raises(RailUnavailable):
            await question


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


async def test_the_chains_own_no_is_an_answer(connect: Connect, rpc_url: str) -> None:
    rpc = connect(rpc_url)
    assert await rpc.ask(receipt(UNKNOWN)) is None
    with pytest.raises(UnexpectedReturn):
        await read_contract(rpc, STRANGER.address, BALANCE_OF_ABI, "balanceOf", BUYER.address, sender=BUYER.address)
    with pytest.raises(Reverted):
        await read_contract(
            rpc, BaseChain.token, IS_VALID_SIGNATURE_ABI, "isValidSignature", b"\0" * 32, b"", sender=BUYER.address
        )


async def test_arguments_that_fit_no_call_tell_nothing_about_a_payment(connect: Connect, rpc_url: str) -> None:
    with pytest.raises(RailUnavailable):
        await read_contract(connect(rpc_url), BaseChain.token, BALANCE_OF_ABI, "balanceOf", "x", sender=BUYER.address)


async def test_a_node_that_refuses_a_transaction_has_not_taken_it(connect: Connect, rpc_url: str) -> None:
    with pytest.raises(NodeRefusal):
        await send(connect(rpc_url), b"\x02no transaction")


@pytest.mark.parametrize(
    "text",
    [
        "already known",  # geth, reth, Erigon
        "AlreadyKnown",  # Nethermind
        "Known transaction",  # Besu
        "transaction already imported",  # anvil
    ],
)
async def test_a_transaction_that_the_node_has_is_no_refusal(nodes: ExitStack, connect: Connect, text: str) -> None:
    node = failing({"code": -32000, "message": text})
    await send(connect(nodes.enter_context(serving(node.app()))), b"")


@pytest.mark.parametrize(
    ("text", "low"),
    [
        ("nonce too low: next nonce 5, tx nonce 4", True),  # geth, reth
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 4", True),  # Nethermind
        ("Nonce too low", True),  # Besu
        ("replacement transaction underpriced", False),
        ("insufficient funds for gas * price + value: balance 0, tx cost 1", False),
        ("unknown transaction type", False),
    ],
)
async def test_tells_a_nonce_that_was_used_from_other_refusals(
    nodes: ExitStack, connect: Connect, text: str, low: bool
) -> None:
    node = failing({"code": -32000, "message": text})
    with pytest.raises(NodeRefusal) as refusal:
        await send(connect(nodes.enter_context(serving(node.app()))), b"")
    assert isinstance(refusal.value, NonceTooLow) == low


async def test_a_refusal_after_a_lost_reply_proves_nothing(nodes: ExitStack, connect: Connect, rpc_url: str) -> None:
    """The second node may refuse because the first one has spread the very same transaction already."""
    broken = nodes.enter_context(serving(FixedNode("", 502, chain_id="0x14a34").app()))
    with pytest.raises(RailUnavailable):
        await send(connect(broken, rpc_url), b"\x02no transaction")


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32005, "message": "limit", "data": {"see": "https://node.invalid/MARKED-KEY"}},
        {"code": -32005, "message": "limit", "data": "see https://node.invalid/MARKED-KEY"},
        {"code": -32000, "message": "header not found", "data": None},
    ],
    ids=str,
)
async def test_a_nodes_own_error_is_no_revert(nodes: ExitStack, connect: Connect, error: dict[str, object]) -> None:
    """web3 takes every error that carries data for a revert; a rate limit would make a payment look bad."""
    with pytest.raises(RailUnavailable):
        await connect(nodes.enter_context(serving(failing(error).app()))).ask(A_CALL)


@pytest.mark.parametrize(
    "error",
    [
        {"code": 3, "message": "execution reverted: authorization is used", "data": "0x" + REASON},
        {"code": 3, "message": "execution reverted: authorization is used"},
        {"code": -32000, "message": "execution reverted: authorization is used", "data": None},
        {"code": -32015, "message": "VM execution error.", "data": "Reverted 0x" + REASON},
    ],
    ids=str,
)
async def test_every_nodes_way_to_say_revert_is_known(
    nodes: ExitStack, connect: Connect, error: dict[str, object]
) -> None:
    with pytest.raises(Reverted, match="authorization is used"):
        await connect(nodes.enter_context(serving(failing(error).app()))).ask(A_CALL)


async def test_goes_nowhere_on_a_contracts_word(nodes: ExitStack, connect: Connect) -> None:
    """A payer's smart wallet cannot make us fetch a URL of its choice (EIP-3668): its wish is a mere revert."""
    wish = encode(
        ["address", "string[]", "bytes", "bytes4", "bytes"],
        [STRANGER.address, ["https://a.invalid"], b"", b"call", b""],
    )
    node = failing({"code": 3, "message": "execution reverted", "data": OFFCHAIN_LOOKUP + wish.hex()})
    with pytest.raises(Reverted):
        await connect(nodes.enter_context(serving(node.app()))).ask(A_CALL)


OTHER_CHAIN = 8453


@pytest.fixture(scope="module")
def other_url() -> Iterator[str]:
    """A second chain, with another id and without our token."""
    with anvil(OTHER_CHAIN) as other:
        yield other.url


class Switch:
    """Leads to one node, then to another; each question comes over a new connection.

    Attributes:
        upstream: where it leads.
        after_chain_id: where it leads from the next answer to `eth_chainId` on.
        asked: the methods, in their order.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.after_chain_id: str | None = None
        self.asked: list[str] = []

    async def answer(self, request: Request) -> Response:
        question = await request.json()
        self.asked.append(question["method"])
        async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client:
            answer = await client.post(self.upstream, json=question)
        if question["method"] == "eth_chainId" and self.after_chain_id:
            self.upstream = self.after_chain_id
        return Response(answer.content, media_type="application/json", headers={"Connection": "close"})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.answer, methods=["POST"])])


async def test_a_url_of_another_chain_is_not_used(
    connect: Connect, rpc_url: str, other_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it is named first or second, and for reading and sending alike."""
    for urls, place in (((other_url, rpc_url), 1), ((NOBODY, other_url), 2)):
        rpc = connect(*urls)
        if rpc_url in urls:
            assert await rpc.ask(code(BaseChain.token))
            with pytest.raises(NodeRefusal):
                await send(rpc, b"\x02no transaction")  # our chain's own word
        else:
            with pytest.raises(RailUnavailable):
                await rpc.ask(code(BaseChain.token))
            with pytest.raises(RailUnavailable):
                await send(rpc, b"\x02no transaction")  # the other chain would have refused it
        assert OTHER_CHAIN in {node.other_chain for node in rpc.nodes}
        assert f"RPC URL {place} leads to chain 8453, not 84532" in caplog.text
    assert other_url not in caplog.text


async def test_a_url_that_is_led_to_another_chain_later_is_not_used_any_more(
    nodes: ExitStack, connect: Connect, rpc_url: str, other_url: str
) -> None:
    """It comes back when it leads to our chain again."""
    switch = Switch(rpc_url)
    rpc = connect(nodes.enter_context(serving(switch.app())))
    assert await rpc.ask(code(BaseChain.token))
    switch.upstream = other_url
    with pytest.raises(RailUnavailable):
        await rpc.ask(code(BaseChain.token))
    assert OTHER_CHAIN in {node.other_chain for node in rpc.nodes}
    switch.upstream = rpc_url
    assert await rpc.ask(code(BaseChain.token))
    assert rpc.nodes[0].other_chain is None


@pytest.mark.parametrize("question", ["code", "receipt"])
async def test_an_answer_over_a_new_connection_is_believed_only_after_another_look(
    nodes: ExitStack, connect: Connect, rpc_url: str, other_url: str, question: str
) -> None:
    """Also when the other chain says no: it knows no transaction of ours."""
    switch = Switch(rpc_url)
    switch.after_chain_id = other_url
    rpc = connect(nodes.enter_context(serving(switch.app())))
    with pytest.raises(RailUnavailable):
        await (rpc.ask(code(BaseChain.token)) if question == "code" else rpc.ask(receipt(UNKNOWN)))
    assert switch.asked.count("eth_chainId") == 2


async def test_a_kept_connection_is_not_looked_at_again(connect: Connect, flaky_url: str, flaky: Control) -> None:
    rpc = connect(flaky_url)
    assert await rpc.ask(code(BaseChain.token))
    assert await rpc.ask(code(BaseChain.token))
    before = flaky.calls()["eth_chainId"]
    for _ in range(5):
        assert await rpc.ask(code(BaseChain.token))
    assert flaky.calls()["eth_chainId"] == before


@pytest.mark.parametrize("url", [f"{NOBODY}/MARKED-KEY", "http://MARKED-KEY.invalid"])
async def test_the_url_is_in_no_error_and_no_log(connect: Connect, caplog: pytest.LogCaptureFixture, url: str) -> None:
    rpc = connect(url)
    with caplog.at_level(logging.INFO):
        for question in (rpc.ask(code(STRANGER.address)), send(rpc, b"\x02")):
            with pytest.raises(RailUnavailable) as outage:
                await question
            assert "MARKED" not in "".join(traceback.format_exception(outage.value)).upper()
    assert caplog.records
    assert "MARKED" not in caplog.text.upper()


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


async def test_a_nodes_error_is_an_answer_where_it_is_asked_for(connect: Connect, rpc_url: str) -> None:
    (node,) = connect(rpc_url).nodes
    unknown = await node.ask_or_error(Question("no_such_method", (), str))
    assert isinstance(unknown, JsonRpcError)
    assert unknown.code == -32601


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


async def test_a_node_of_another_chain_says_so(connect: Connect, other_url: str) -> None:
    (node,) = connect(other_url).nodes
    with pytest.raises(WrongChain):
        await node.ask(block_number())


@pytest.mark.parametrize("module", [aiohttp, aiohttp.http_exceptions, json], ids=lambda module: str(module.__name__))
def test_every_error_of_the_libraries_is_mapped(module: ModuleType) -> None:
    """Whatever a new version of theirs adds, so that no error with a URL in it comes out."""
    errors = {
        error for error in vars(module).values() if isinstance(error, type) and issubclass(error, Exception)
    } - NOT_RAISED_BY_CALLS
    assert errors
    assert {error for error in errors if not issubclass(error, FAILURES)} == set()


@pytest.mark.parametrize("module", [eth_abi.exceptions], ids=["eth_abi"])
def test_every_error_of_the_abi_codec_is_mapped(module: ModuleType) -> None:
    errors = {error for error in vars(module).values() if isinstance(error, type) and issubclass(error, Exception)}
    errors -= {eth_abi.exceptions.ParseError, eth_abi.exceptions.PredicateMappingError}  # of type strings, not values
    assert {error for error in errors if not issubclass(error, (*UNENCODABLE, DecodingError))} == set()


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
