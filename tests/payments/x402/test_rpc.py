"""The chain's RPC: whatever is wrong with an answer is an outage, and its URL stays secret."""

import asyncio
import gc
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import httpx
import pytest
from aiohttp import ClientSession
from eth_abi.abi import encode
from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from web3.eth import AsyncEth
from web3.exceptions import BadFunctionCallOutput, ContractLogicError, OffchainLookup, TransactionNotFound
from x402.mechanisms.evm.constants import BALANCE_OF_ABI, IS_VALID_SIGNATURE_ABI

from errors import RailUnavailable
from payments.x402.rpc import NodeRefusal, NonceTooLow, Rpc
from sandbox.accounts import BUYER, STRANGER
from sandbox.anvil import anvil
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control
from tests.contracts.rail_contract import NOBODY
from tests.fakes.serving import TRUST, serving

OFFCHAIN_LOOKUP = "0x556f1830"  # selector of the error by which a contract sends its caller to a URL
REASON = "08c379a0" + encode(["string"], ["authorization is used"]).hex()


class Node:
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


def failing(error: dict[str, object]) -> Node:
    return Node(json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}), chain_id="0x14a34")


async def a_call(eth: AsyncEth) -> bytes:
    return bytes(await eth.call({"to": to_checksum_address(STRANGER.address)}))


@pytest.fixture
def nodes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
async def rpcs() -> AsyncIterator[list[Rpc]]:
    opened: list[Rpc] = []
    yield opened
    for rpc in opened:
        await rpc.aclose()


def connect(rpcs: list[Rpc], *urls: str, timeout_s: float = 1.0) -> Rpc:
    rpcs.append(Rpc(urls, timeout_s=timeout_s, chain_id=BaseChain.chain_id))
    return rpcs[-1]


BROKEN = {
    "web page": Node("<html>"),
    "nothing": Node(""),
    "list": Node("[]"),
    "text": Node('"x"'),
    "no result": Node('{"jsonrpc":"2.0","id":0}'),
    "null": Node('{"jsonrpc":"2.0","id":0,"result":null}'),
    "rate limit": Node('{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"limit"}}'),
    "error text": Node('{"jsonrpc":"2.0","id":0,"error":"boom"}'),
    "500": Node("{}", 500),
    "429": Node("{}", 429),
}


@pytest.mark.parametrize("node", BROKEN.values(), ids=BROKEN.keys())
async def test_an_answer_that_cannot_be_read_is_an_outage(nodes: ExitStack, rpcs: list[Rpc], node: Node) -> None:
    rpc = connect(rpcs, nodes.enter_context(serving(node.app())))
    for question in (
        rpc.code(STRANGER.address),
        rpc.read(STRANGER.address, BALANCE_OF_ABI, "balanceOf", STRANGER.address, sender=STRANGER.address),
        rpc.ask(lambda eth: eth.get_logs({"fromBlock": 1, "toBlock": 2})),
        rpc.ask(lambda eth: eth.get_block("latest")),
    ):
        with pytest.raises(RailUnavailable):
            await question


async def test_the_other_url_answers_and_is_asked_first_from_then_on(
    nodes: ExitStack, rpcs: list[Rpc], rpc_url: str
) -> None:
    broken = Node("{}", 500)
    rpc = connect(rpcs, nodes.enter_context(serving(broken.app())), rpc_url)
    assert await rpc.code(BaseChain.token)
    assert await rpc.code(BaseChain.token)
    assert broken.asked == 1


async def test_a_hanging_node_is_given_up_in_time(rpcs: list[Rpc], flaky_url: str, flaky: Control) -> None:
    rpc = connect(rpcs, flaky_url, timeout_s=0.3)
    flaky.inject("hang")
    start = time.monotonic()
    with pytest.raises(RailUnavailable):
        await rpc.code(BaseChain.token)
    assert time.monotonic() - start < 1


async def test_the_chains_own_no_is_an_answer(rpcs: list[Rpc], rpc_url: str) -> None:
    rpc = connect(rpcs, rpc_url)
    with pytest.raises(TransactionNotFound):
        await rpc.ask(lambda eth: eth.get_transaction_receipt(HexStr("0x" + "12" * 32)))
    with pytest.raises(BadFunctionCallOutput):
        await rpc.read(STRANGER.address, BALANCE_OF_ABI, "balanceOf", BUYER.address, sender=BUYER.address)
    with pytest.raises(ContractLogicError):
        await rpc.read(
            BaseChain.token, IS_VALID_SIGNATURE_ABI, "isValidSignature", b"\0" * 32, b"", sender=BUYER.address
        )


async def test_a_node_that_refuses_a_transaction_has_not_taken_it(rpcs: list[Rpc], rpc_url: str) -> None:
    with pytest.raises(NodeRefusal):
        await connect(rpcs, rpc_url).send(b"\x02no transaction")


@pytest.mark.parametrize(
    "text",
    [
        "already known",  # geth, reth, Erigon
        "AlreadyKnown",  # Nethermind
        "Known transaction",  # Besu
        "transaction already imported",  # anvil
    ],
)
async def test_a_transaction_that_the_node_has_is_no_refusal(nodes: ExitStack, rpcs: list[Rpc], text: str) -> None:
    node = failing({"code": -32000, "message": text})
    await connect(rpcs, nodes.enter_context(serving(node.app()))).send(b"")


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
    nodes: ExitStack, rpcs: list[Rpc], text: str, low: bool
) -> None:
    node = failing({"code": -32000, "message": text})
    with pytest.raises(NodeRefusal) as refusal:
        await connect(rpcs, nodes.enter_context(serving(node.app()))).send(b"")
    assert isinstance(refusal.value, NonceTooLow) == low


async def test_a_refusal_after_a_lost_reply_proves_nothing(nodes: ExitStack, rpcs: list[Rpc], rpc_url: str) -> None:
    """The second node may refuse because the first one has spread the very same transaction already."""
    broken = nodes.enter_context(serving(Node("", 502, chain_id="0x14a34").app()))
    with pytest.raises(RailUnavailable):
        await connect(rpcs, broken, rpc_url).send(b"\x02no transaction")


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32005, "message": "limit", "data": {"see": "https://node.invalid/MARKED-KEY"}},
        {"code": -32005, "message": "limit", "data": "see https://node.invalid/MARKED-KEY"},
        {"code": -32000, "message": "header not found", "data": None},
    ],
    ids=str,
)
async def test_a_nodes_own_error_is_no_revert(nodes: ExitStack, rpcs: list[Rpc], error: dict[str, object]) -> None:
    """web3 takes every error that carries data for a revert; a rate limit would make a payment look bad."""
    with pytest.raises(RailUnavailable):
        await connect(rpcs, nodes.enter_context(serving(failing(error).app()))).ask(a_call)


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
    nodes: ExitStack, rpcs: list[Rpc], error: dict[str, object]
) -> None:
    with pytest.raises(ContractLogicError, match="authorization is used"):
        await connect(rpcs, nodes.enter_context(serving(failing(error).app()))).ask(a_call)


async def test_goes_nowhere_on_a_contracts_word(nodes: ExitStack, rpcs: list[Rpc]) -> None:
    """A payer's smart wallet cannot make us fetch a URL of its choice (EIP-3668): its wish is a mere revert."""
    wish = encode(
        ["address", "string[]", "bytes", "bytes4", "bytes"],
        [STRANGER.address, ["https://a.invalid"], b"", b"call", b""],
    )
    node = failing({"code": 3, "message": "execution reverted", "data": OFFCHAIN_LOOKUP + wish.hex()})
    with pytest.raises(OffchainLookup):
        await connect(rpcs, nodes.enter_context(serving(node.app()))).ask(a_call)


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
    rpcs: list[Rpc], rpc_url: str, other_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it is named first or second, and for reading and sending alike."""
    for urls, place in (((other_url, rpc_url), 1), ((NOBODY, other_url), 2)):
        rpc = connect(rpcs, *urls)
        if rpc_url in urls:
            assert await rpc.code(BaseChain.token)
            with pytest.raises(NodeRefusal):
                await rpc.send(b"\x02no transaction")  # our chain's own word
        else:
            with pytest.raises(RailUnavailable):
                await rpc.code(BaseChain.token)
            with pytest.raises(RailUnavailable):
                await rpc.send(b"\x02no transaction")  # the other chain would have refused it
        assert rpc.stray == OTHER_CHAIN
        assert f"RPC URL {place} leads to chain 8453, not 84532" in caplog.text
    assert other_url not in caplog.text


async def test_a_url_that_is_led_to_another_chain_later_is_not_used_any_more(
    nodes: ExitStack, rpcs: list[Rpc], rpc_url: str, other_url: str
) -> None:
    """It comes back when it leads to our chain again."""
    switch = Switch(rpc_url)
    rpc = connect(rpcs, nodes.enter_context(serving(switch.app())))
    assert await rpc.code(BaseChain.token)
    switch.upstream = other_url
    with pytest.raises(RailUnavailable):
        await rpc.code(BaseChain.token)
    assert rpc.stray == OTHER_CHAIN
    switch.upstream = rpc_url
    assert await rpc.code(BaseChain.token)
    assert rpc.stray is None


@pytest.mark.parametrize("question", ["code", "receipt"])
async def test_an_answer_over_a_new_connection_is_believed_only_after_another_look(
    nodes: ExitStack, rpcs: list[Rpc], rpc_url: str, other_url: str, question: str
) -> None:
    """Also when the other chain says no: it knows no transaction of ours."""
    switch = Switch(rpc_url)
    switch.after_chain_id = other_url
    rpc = connect(rpcs, nodes.enter_context(serving(switch.app())))
    unknown = HexStr("0x" + "12" * 32)
    with pytest.raises(RailUnavailable):
        await (
            rpc.code(BaseChain.token)
            if question == "code"
            else rpc.ask(lambda eth: eth.get_transaction_receipt(unknown))
        )
    assert switch.asked.count("eth_chainId") == 2


async def test_a_kept_connection_is_not_looked_at_again(rpcs: list[Rpc], flaky_url: str, flaky: Control) -> None:
    rpc = connect(rpcs, flaky_url)
    assert await rpc.code(BaseChain.token)
    assert await rpc.code(BaseChain.token)
    before = flaky.calls()["eth_chainId"]
    for _ in range(5):
        assert await rpc.code(BaseChain.token)
    assert flaky.calls()["eth_chainId"] == before


@pytest.mark.parametrize("url", [f"{NOBODY}/MARKED-KEY", "http://MARKED-KEY.invalid"])
async def test_the_url_is_in_no_error_and_no_log(rpcs: list[Rpc], caplog: pytest.LogCaptureFixture, url: str) -> None:
    rpc = connect(rpcs, url)
    with caplog.at_level(logging.INFO):
        for question in (rpc.code(STRANGER.address), rpc.send(b"\x02")):
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
        rpc = Rpc((NOBODY, rpc_url), timeout_s=5.0, chain_id=BaseChain.chain_id)
        questions = [asyncio.create_task(rpc.code(BaseChain.token)) for _ in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for question in questions:
            question.cancel()
        await asyncio.wait(questions)
        async with asyncio.timeout(10):
            assert await rpc.code(BaseChain.token)
        await rpc.aclose()
        assert open_sessions() == before


async def test_a_question_that_goes_on_after_the_end_gets_no_answer(rpc_url: str) -> None:
    """It opens no connection again: nobody would close that."""
    before = open_sessions()
    rpc = Rpc((rpc_url,), timeout_s=1.0, chain_id=BaseChain.chain_id)

    async def two_questions(eth: AsyncEth) -> int:
        await eth.block_number
        await rpc.aclose()
        return await eth.block_number

    for question in (two_questions, two_questions):  # in its midst, and from its start
        with pytest.raises(RailUnavailable):
            await rpc.ask(question)
    assert open_sessions() == before


async def test_nothing_is_sent_after_the_end(nodes: ExitStack) -> None:
    node = Node("", chain_id="0x14a34")
    rpc = Rpc((nodes.enter_context(serving(node.app())),), timeout_s=1.0, chain_id=BaseChain.chain_id)
    await rpc.aclose()
    with pytest.raises(RailUnavailable):
        await rpc.send(b"\x02")
    assert node.asked == 0
