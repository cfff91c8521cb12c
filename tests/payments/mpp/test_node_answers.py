"""What follows from what the nodes say, also when they contradict each other."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from errors import PaymentOutcomeUnknown
from payments.mpp.node_answers import NODE_LAG_S, NodeAnswer, NoNodeAnswers, TransactionState, agree
from payments.mpp.rail import MppRail
from payments.mpp.wire import MppCredential
from payments.order import Order
from payments.rail import Finality, Payment
from tests.contracts.rail_contract import UNITS
from tests.fakes.node import Node, node
from tests.payments.mpp.buyer import MppBuyer
from tests.payments.mpp.verifying import read

NOW = 1_800_000_000
PAID = NodeAnswer(TransactionState.PAID, block=100)
REVERTED = NodeAnswer(TransactionState.REVERTED, block=100)
ABSURD = NodeAnswer(TransactionState.MISMATCHED, block=100)
OVER = NodeAnswer(TransactionState.EXPIRED, block=120, at=NOW)
OPEN = NodeAnswer(TransactionState.PENDING, block=100, at=NOW)
BEHIND = NodeAnswer(TransactionState.PENDING, block=99, at=NOW - NODE_LAG_S - 1)
A_MOMENT_BEHIND = NodeAnswer(TransactionState.PENDING, block=99, at=NOW - 1)
OLD_AND_WITHOUT = NodeAnswer(TransactionState.PENDING, block=100, at=NOW - NODE_LAG_S - 1)

Build = Callable[..., MppRail]


@pytest.mark.parametrize("answers", [[PAID], [PAID, PAID], [PAID, BEHIND], [BEHIND, PAID]])
def test_what_a_node_shows_and_none_denies_is_paid(answers: list[NodeAnswer]) -> None:
    assert agree(answers, now=NOW) is PAID


@pytest.mark.parametrize("answers", [[OVER], [REVERTED], [REVERTED, REVERTED], [OVER, OVER], [OVER, REVERTED]])
def test_what_all_call_unmoved_is_unmoved(answers: list[NodeAnswer]) -> None:
    assert agree(answers, now=NOW) is None


@pytest.mark.parametrize(
    "answers",
    [
        [OPEN],
        [ABSURD],
        [BEHIND],
        [PAID, OPEN],
        [PAID, A_MOMENT_BEHIND],
        [PAID, OLD_AND_WITHOUT],
        [PAID, OVER],
        [PAID, REVERTED],
        [PAID, ABSURD],
        [OVER, OPEN],
        [OVER, BEHIND],
        [REVERTED, OPEN],
        [OVER, ABSURD],
    ],
)
def test_everything_else_is_a_doubt(answers: list[NodeAnswer]) -> None:
    for each in (answers, answers[::-1]):
        with pytest.raises(PaymentOutcomeUnknown):
            agree(each, now=NOW)


def test_nobodys_word_is_a_doubt_of_its_own() -> None:
    with pytest.raises(NoNodeAnswers):
        agree([], now=NOW)


class TestTwoNodes:
    """One is honest; the other one is late, or lies."""

    @pytest.fixture
    def second_node(self, rpc_url: str) -> Iterator[tuple[Node, str]]:
        with node(rpc_url) as running:
            yield running

    @pytest.fixture
    def liar(self, second_node: tuple[Node, str]) -> Node:
        return second_node[0]

    @pytest.fixture(params=["the liar first", "the liar second"])
    def rail(
        self, request: pytest.FixtureRequest, build: Build, rpc_url: str, second_node: tuple[Node, str]
    ) -> MppRail:
        urls = (second_node[1], rpc_url) if request.param == "the liar first" else (rpc_url, second_node[1])
        return build(urls[0], fallback_rpc_url=urls[1])

    @pytest.fixture
    async def credential(self, rail: MppRail, buyer: MppBuyer, order: Order) -> MppCredential:
        return read(rail, await buyer.pay(await rail.challenge(order)))

    @pytest.fixture
    async def payment(self, rail: MppRail, credential: MppCredential, order: Order) -> Payment:
        return await rail.bind(credential).verify(order)

    async def test_agreeing_nodes_settle(
        self, rail: MppRail, credential: MppCredential, payment: Payment, buyer: MppBuyer
    ) -> None:
        before = buyer.received()
        await rail.bind(credential).settle(payment)
        assert buyer.received() == before + UNITS

    async def test_an_invented_receipt_delivers_nothing(
        self, rail: MppRail, liar: Node, payment: Payment, order: Order, buyer: MppBuyer
    ) -> None:
        """A picture for a payment that never moved."""
        sold = read(rail, await buyer.pay(await rail.challenge(order)))
        pattern = await rail.bind(sold).verify(order)
        await rail.bind(sold).settle(pattern)
        true = json.dumps(await liar.true_receipt(pattern.transaction))
        invented = true.replace(pattern.evidence["memo"], payment.evidence["memo"])
        liar.receipts[payment.transaction] = json.loads(invented)
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.find_receipt(payment)

    async def test_a_hidden_receipt_is_not_called_unmoved(
        self, rail: MppRail, liar: Node, credential: MppCredential, payment: Payment
    ) -> None:
        """The buyer would be told to pay anew."""
        await rail.bind(credential).settle(payment)
        liar.receipts[payment.transaction] = None
        liar.late_s = -120  # its time is past the payment's end
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.find_receipt(payment)

    async def test_a_reversal_that_the_other_denies_is_a_doubt(
        self, rail: MppRail, liar: Node, credential: MppCredential, payment: Payment
    ) -> None:
        receipt = await rail.bind(credential).settle(payment)
        liar.receipts[payment.transaction] = {**await liar.true_receipt(payment.transaction), "status": "0x0"}
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.find_receipt(payment)
        assert await rail.recheck(payment, receipt) is Finality.PENDING

    async def test_a_node_that_is_late_by_a_hundred_blocks_hinders_nobody(
        self, rail: MppRail, liar: Node, credential: MppCredential, order: Order
    ) -> None:
        liar.late_s, liar.late_blocks = 50, 100
        await rail.bind(credential).settle(await rail.bind(credential).verify(order))

    async def test_nor_does_it_prove_that_nothing_moved(
        self, rail: MppRail, liar: Node, credential: MppCredential, payment: Payment
    ) -> None:
        """Both must be past the payment's end."""
        over = replace(payment, valid_before=int(time.time()) - NODE_LAG_S - 5)
        assert await rail.find_receipt(over) is None
        liar.late_s = 50
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.find_receipt(over)
