"""A URL of another chain is not used, even if it leads there only later."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from errors import RailUnavailable
from payments.evm.node import WrongChain
from payments.evm.questions import block_number, code, receipt
from payments.evm.sending import NodeRefusal, send
from sandbox.anvil import anvil
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control
from tests.contracts.rail_contract import NOBODY
from tests.fakes.serving import TRUST, serving
from tests.payments.conftest import Connect
from tests.payments.evm.fixed_node import UNKNOWN

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


async def test_a_node_of_another_chain_says_so(connect: Connect, other_url: str) -> None:
    (node,) = connect(other_url).nodes
    with pytest.raises(WrongChain):
        await node.ask(block_number())
