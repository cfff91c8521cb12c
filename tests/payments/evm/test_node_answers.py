"""Answers of a node: an unreadable answer is an outage, a revert is a result, and the URL stays secret."""

import json
import logging
import traceback
from contextlib import ExitStack
from types import ModuleType

import aiohttp
import aiohttp.http_exceptions
import eth_abi.exceptions
import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from x402.mechanisms.evm.constants import BALANCE_OF_ABI, IS_VALID_SIGNATURE_ABI

from errors import RailUnavailable
from payments.evm.node import FAILURES, MAX_ANSWER_BYTES
from payments.evm.question import JsonRpcError, Question, Reverted, UnexpectedReturn
from payments.evm.questions import block, block_number, code, fee_history, logs, receipt, transaction_count
from payments.evm.sending import send
from payments.x402.contracts import UNENCODABLE, read_contract
from sandbox.accounts import BUYER, STRANGER
from sandbox.chains import BaseChain
from tests.contracts.rail_contract import NOBODY
from tests.fakes.serving import serving
from tests.payments.conftest import Connect
from tests.payments.evm.fixed_node import A_CALL, UNKNOWN, FixedNode, failing

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
BROKEN = {
    "web page": FixedNode("<html>"),
    "nothing": FixedNode(""),
    "list": FixedNode("[]"),
    "text": FixedNode('"x"'),
    "no result": FixedNode('{"jsonrpc":"2.0","id":0}'),
    "null": FixedNode('{"jsonrpc":"2.0","id":0,"result":null}'),
    "rate limit": FixedNode('{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"limit"}}'),
    "error text": FixedNode('{"jsonrpc":"2.0","id":0,"error":"boom"}'),
    "deep": FixedNode("[" * 100_000),
    "long": FixedNode('"' + "x" * MAX_ANSWER_BYTES + '"'),
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


async def test_a_nodes_error_is_an_answer_where_it_is_asked_for(connect: Connect, rpc_url: str) -> None:
    (node,) = connect(rpc_url).nodes
    unknown = await node.ask_or_error(Question("no_such_method", (), str))
    assert isinstance(unknown, JsonRpcError)
    assert unknown.code == -32601


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
