"""The rail against the local chain: the contract of all rails, and MPP's own promises."""

import asyncio
import dataclasses
import logging
import time
import traceback
from collections.abc import Callable

import mpp
import pytest
from eth_account import Account
from eth_keys.backends import get_backend
from eth_keys.backends.coincurve import CoinCurveECCBackend

from errors import DeadlineUnreachable, PaymentOutcomeUnknown, PaymentRejected, RailUnavailable
from payments.mpp.rail import MppRail
from payments.order import Order
from payments.rail import Hold
from sandbox.accounts import SECOND_BUYER, SELLER, STRANGER
from sandbox.chains import TempoChain
from sandbox.rpc_proxy import Control, Mode
from tests.contracts.rail_contract import NOBODY, UNITS, RailContract
from tests.payments.mpp.buyer import MppBuyer, challenge_of, challenges_of, header, sign
from tests.payments.mpp.conftest import SECRET
from tests.payments.mpp.verifying import read, refusal

SEND = "eth_sendRawTransactionSync"

Build = Callable[..., MppRail]


class TestMppRail(RailContract):
    payment_header = "authorization"


class TestChallenge:
    async def test_asks_for_pull_mode_only(self, rail: MppRail, order: Order) -> None:
        asked = challenge_of(await rail.challenge(order))
        assert asked.request["methodDetails"] == {"chainId": 42431, "supportedModes": ["pull"]}
        assert (asked.request["amount"], asked.request["recipient"]) == ("50000", SELLER.address)
        assert (asked.method, asked.intent, asked.realm) == ("tempo", "charge", "cut.example")

    async def test_names_the_host_that_was_asked_where_that_is_a_realm(self, build: Build, order: Order) -> None:
        rail = build(hosts=("mpp.cut.example",))
        for host, realm in (("mpp.cut.example", "mpp.cut.example"), ("other.example", "cut.example")):
            asked = challenge_of(await rail.challenge(dataclasses.replace(order, url=f"https://{host}:8443/v1/cut")))
            assert asked.realm == realm

    @pytest.mark.parametrize(("asked_at", "paid_at"), [(0, 0), (0, 1), (1, 0), (1, 1)])
    async def test_of_any_realm_can_be_paid_on_every_host(
        self, build: Build, buyer: MppBuyer, order: Order, asked_at: int, paid_at: int
    ) -> None:
        rail = build(hosts=("mpp.cut.example",))
        orders = [
            dataclasses.replace(order, url=f"https://{host}/v1/cut") for host in ("cut.example", "mpp.cut.example")
        ]
        credential = read(rail, await buyer.pay(await rail.challenge(orders[asked_at])))
        payment = await rail.bind(credential).verify(orders[paid_at])
        assert (await rail.bind(credential).settle(payment)).transaction == payment.transaction

    async def test_of_a_realm_that_is_not_ours_is_refused(self, build: Build, buyer: MppBuyer, order: Order) -> None:
        elsewhere = build(host="else.example")
        paid = await buyer.pay(await elsewhere.challenge(order))
        assert await refusal(build(hosts=("mpp.cut.example",)), paid, order) == "invalid-challenge"

    async def test_there_is_one_for_each_token_in_their_order(self, rail: MppRail, order: Order) -> None:
        """The body names the first one."""
        quote = await rail.challenge(order)
        asked = challenges_of(quote)
        assert [each.request["currency"] for each in asked] == [TempoChain.token, TempoChain.second_token]
        assert quote.members == {"challengeId": asked[0].id}
        assert len({each.id for each in asked}) == 2

    async def test_is_never_the_same_twice(self, rail: MppRail, order: Order) -> None:
        quotes = await asyncio.gather(*(rail.challenge(order) for _ in range(20)))
        assert len({asked.id for quote in quotes for asked in challenges_of(quote)}) == 40

    @pytest.mark.parametrize("body", [b"picture", bytes(200_000)], ids=["small", "big"])
    async def test_is_bound_to_the_body_it_was_asked_with(self, rail: MppRail, order: Order, body: bytes) -> None:
        asked = challenge_of(await rail.challenge(dataclasses.replace(order, body=body)))
        assert asked.digest == mpp.BodyDigest.compute(body)

    async def test_without_a_body_is_bound_to_none(self, rail: MppRail, order: Order) -> None:
        assert challenge_of(await rail.challenge(dataclasses.replace(order, body=b""))).digest is None


class TestRotation:
    async def test_takes_the_challenges_of_the_previous_secret(
        self, build: Build, rail: MppRail, buyer: MppBuyer, order: Order
    ) -> None:
        """From the quote before the rotation to the money after it."""
        rotated = build(secret_key="n" * 32, previous_secret_key=SECRET)
        credential = read(rotated, await buyer.pay(await rail.challenge(order)))
        before = buyer.received()
        attempt = rotated.bind(credential)
        await attempt.settle(await attempt.verify(order))
        assert buyer.received() == before + UNITS

    async def test_forgets_the_secret_before(self, build: Build, rail: MppRail, buyer: MppBuyer, order: Order) -> None:
        rotated = build(secret_key="n" * 32, previous_secret_key="o" * 32)
        assert await refusal(rotated, await buyer.pay(await rail.challenge(order)), order) == "invalid-challenge"


def soon(seconds: float) -> Hold:
    """A hold that ends in so many seconds."""
    return Hold(limit=asyncio.get_running_loop().time() + seconds)


class TestSettle:
    async def test_sends_nothing_when_too_little_time_is_left(
        self, build: Build, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.bind(credential).verify(order)
        hurried = build(challenge_seconds=60, work_margin_s=40.0, broadcast_margin_s=40.0)
        before = faults.calls()[SEND]
        with pytest.raises(DeadlineUnreachable) as refused:
            await hurried.bind(credential).settle(payment)
        assert refused.value.charged is False
        assert faults.calls()[SEND] == before

    async def test_finds_the_receipt_when_the_reply_was_lost(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.bind(credential).verify(order)
        before = buyer.received()
        faults.inject("drop_after_send", methods=[SEND])
        receipt = await rail.bind(credential).settle(payment)
        assert buyer.received() == before + UNITS
        assert receipt == await rail.find_receipt(payment)

    @pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang"])
    async def test_settles_through_a_failed_broadcast_and_only_once(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control, mode: Mode
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.bind(credential).verify(order)
        before, sent = buyer.received(), faults.calls()[SEND]
        faults.inject(mode, methods=[SEND], count=1, seconds=6.0)
        receipt = await rail.bind(credential).settle(payment)
        assert faults.calls()[SEND] == sent + 2
        assert buyer.received() == before + UNITS
        assert receipt == await rail.find_receipt(payment)

    @pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang"])
    async def test_an_outage_leaves_a_doubt_that_the_same_payment_ends(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control, mode: Mode
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.bind(credential).verify(order)
        before = buyer.received()
        faults.inject(mode, methods=[SEND], seconds=6.0)
        with pytest.raises(PaymentOutcomeUnknown) as doubt:
            await rail.bind(credential).settle(payment, hold=soon(1.0))
        assert doubt.value.charged is True
        faults.clear()
        await rail.bind(credential).settle(payment)
        assert buyer.received() == before + UNITS

    async def test_sends_nothing_after_the_end_it_was_told(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.bind(credential).verify(order)
        sent = faults.calls()[SEND]
        with pytest.raises(DeadlineUnreachable) as refused:
            await rail.bind(credential).settle(payment, hold=soon(-0.1))
        assert refused.value.charged is False
        assert faults.calls()[SEND] == sent

    async def test_sends_nothing_again_when_too_little_time_is_left(
        self, build: Build, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        """The margin before the payment's end counts for every broadcast, not for the first one only."""
        rail = build(broadcast_margin_s=7.0, work_margin_s=7.0)
        credential = read(rail, header(sign(challenge_of(await rail.challenge(order)), valid_for=9)))
        payment = await rail.bind(credential).verify(order)
        faults.inject("rpcerror", methods=[SEND])
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.bind(credential).settle(payment)
        assert payment.valid_before - time.time() > 4

    async def test_settles_over_the_second_url(
        self, build: Build, rail: MppRail, buyer: MppBuyer, order: Order, second_url: str, rpc_url: str
    ) -> None:
        """The first one takes no transaction, and then nothing at all."""
        first, two_urls = Control(second_url), build(second_url, fallback_rpc_url=rpc_url)
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await two_urls.bind(credential).verify(order)
        before = buyer.received()
        first.inject("hang", methods=[SEND], seconds=6.0)
        receipt = await two_urls.bind(credential).settle(payment)
        assert buyer.received() == before + UNITS
        first.inject("error5xx")
        assert await two_urls.find_receipt(payment) == receipt

    async def test_no_guard_of_the_process_keeps_a_payment_from_being_broadcast_again(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        """The ledger decides who may settle, for all processes alike; the SDK's own store would decide for one."""
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.bind(credential).verify(order)
        sent = faults.calls()[SEND]
        assert await rail.bind(credential).settle(payment) == await rail.bind(credential).settle(payment)
        assert faults.calls()[SEND] == sent + 2

    async def test_gives_a_receipt_even_if_the_chain_falls_silent_after_the_transfer(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.bind(credential).verify(order)
        faults.inject("error5xx", methods=["eth_getTransactionReceipt"])
        receipt = await rail.bind(credential).settle(payment)
        assert receipt.transaction == payment.transaction

    async def test_rejects_what_the_chain_reverted(
        self, rail: MppRail, buyer: MppBuyer, order: Order, tempo_chain: TempoChain
    ) -> None:
        """A payer who spends the money during the work gets no picture and is not charged the price."""
        payer = Account.create()
        tempo_chain.fund(payer.address, 100_000)
        key = payer.key.hex()
        credential = read(rail, header(sign(challenge_of(await rail.challenge(order)), key=key)))
        payment = await rail.bind(credential).verify(order)
        elsewhere = sign(challenge_of(await rail.challenge(order)), key=key, recipient=STRANGER.address, amount=60_000)
        tempo_chain.rpc.call(SEND, elsewhere.payload["signature"])
        before = buyer.received()
        with pytest.raises(PaymentRejected) as refused:
            await rail.bind(credential).settle(payment)
        assert refused.value.charged is False
        assert await rail.find_receipt(payment) is None
        assert buyer.received() == before

    async def test_takes_payers_at_the_same_time(
        self, rail: MppRail, buyer: MppBuyer, order: Order, tempo_chain: TempoChain
    ) -> None:
        before = buyer.received()

        async def buy(wallet: MppBuyer) -> str:
            credential = read(rail, await wallet.pay(await rail.challenge(order)))
            return (await rail.bind(credential).settle(await rail.bind(credential).verify(order))).transaction

        wallets = [buyer, MppBuyer(tempo_chain, key=SECOND_BUYER.key)]
        sold = await asyncio.gather(*(buy(wallet) for wallet in wallets * 5))
        assert len(set(sold)) == 10
        assert buyer.received() == before + 10 * UNITS


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_key": "x" * 31},
        {"secret_key": None},
        {"previous_secret_key": "brief"},
        {"realm": ""},
        {"recipient": "0x1234"},
        {"recipient": None},
        {"currencies": ("pathUSD",)},
        {"currencies": ()},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_that_cannot_work_are_refused(build: Build, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))) as fault:
        build("http://127.0.0.1:9", **wrong)
    assert "brief" not in str(fault.value)


@pytest.mark.parametrize("down", [True, False], ids=["nobody listens", "no JSON-RPC there"])
async def test_the_rpc_url_is_written_nowhere(
    build: Build, order: Order, buyer: MppBuyer, rpc_url: str, caplog: pytest.LogCaptureFixture, *, down: bool
) -> None:
    """Not in logs at any level, and not in the traceback of a refusal."""
    caplog.set_level(logging.DEBUG)
    rail, marked = build(), build(f"{NOBODY if down else rpc_url}/marked-key", confirmation_timeout_s=1.0)
    credential = read(rail, await buyer.pay(await rail.challenge(order)))
    payment = await rail.bind(credential).verify(order)
    for attempt in (marked.bind(credential).verify(order), marked.bind(credential).settle(payment, hold=soon(1.0))):
        with pytest.raises((RailUnavailable, PaymentOutcomeUnknown)) as refused:
            await attempt
        assert "marked-key" not in "".join(traceback.format_exception(refused.value))
    assert caplog.records
    assert "marked-key" not in caplog.text


def test_signatures_are_recovered_by_libsecp256k1() -> None:
    """The pure-Python fallback would block the event loop for 25 ms a payment."""
    assert isinstance(get_backend(), CoinCurveECCBackend)
