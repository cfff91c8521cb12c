"""The rail against the local chain: the contract of all rails, and MPP's own promises."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import mpp
import pytest
import rlp  # type: ignore[import-untyped]  # ships no types
from eth_account import Account
from eth_keys.backends import get_backend
from eth_keys.backends.coincurve import CoinCurveECCBackend
from hypothesis import given, settings
from hypothesis import strategies as st
from mpp.methods.tempo.attribution import encode

from errors import DeadlineUnreachable, PaymentOutcomeUnknown, PaymentRejected, RailUnavailable
from payments.money import Price
from payments.mpp import MppRail
from payments.mpp.wire import MppCredential
from payments.rail import HeaderFields, Order
from sandbox.accounts import BUYER, SECOND_BUYER, SELLER, STRANGER
from sandbox.chains import TempoChain
from sandbox.shim import Control, Mode
from tests.contracts.rail_contract import NOBODY, UNITS, RailContract
from tests.payments.mpp.buyer import MppBuyer, challenge_of, header, sign
from tests.payments.mpp.conftest import SECRET

SEND = "eth_sendRawTransactionSync"
ALPHA_USD = "0x20c0000000000000000000000000000000000001"
PROBLEMS = "https://paymentauth.org/problems/"

Build = Callable[..., MppRail]


class TestMppRail(RailContract):
    payment_header = "authorization"


async def refusal(rail: MppRail, headers: HeaderFields, order: Order) -> str:
    """The reason for which a payment is refused, whether it is read or verified."""
    with pytest.raises(PaymentRejected) as refused:
        await rail.verify(read(rail, headers), order)
    assert refused.value.type == PROBLEMS + refused.value.reason
    return refused.value.reason


def read(rail: MppRail, headers: HeaderFields) -> MppCredential:
    credential = rail.credential(headers)
    assert credential is not None
    return credential


class TestChallenge:
    async def test_asks_for_pull_mode_only(self, rail: MppRail, order: Order) -> None:
        asked = challenge_of(await rail.challenge(order))
        assert asked.request["methodDetails"] == {"chainId": 42431, "supportedModes": ["pull"]}
        assert (asked.request["amount"], asked.request["recipient"]) == ("50000", SELLER.address)
        assert (asked.method, asked.intent, asked.realm) == ("tempo", "charge", "cut.example")

    async def test_names_its_id_in_the_body(self, rail: MppRail, order: Order) -> None:
        quote = await rail.challenge(order)
        assert quote.members == {"challengeId": challenge_of(quote).id}

    async def test_is_never_the_same_twice(self, rail: MppRail, order: Order) -> None:
        quotes = await asyncio.gather(*(rail.challenge(order) for _ in range(20)))
        assert len({challenge_of(quote).id for quote in quotes}) == 20

    @pytest.mark.parametrize("body", [b"picture", bytes(200_000)], ids=["small", "big"])
    async def test_is_bound_to_the_body_it_was_asked_with(self, rail: MppRail, order: Order, body: bytes) -> None:
        asked = challenge_of(await rail.challenge(dataclasses.replace(order, body=body)))
        assert asked.digest == mpp.BodyDigest.compute(body)

    async def test_without_a_body_is_bound_to_none(self, rail: MppRail, order: Order) -> None:
        assert challenge_of(await rail.challenge(dataclasses.replace(order, body=b""))).digest is None


class TestVerify:
    async def test_takes_a_picture_for_a_quote_of_an_empty_request(
        self, rail: MppRail, buyer: MppBuyer, order: Order
    ) -> None:
        quote = await rail.challenge(dataclasses.replace(order, body=b""))
        payment = await rail.verify(read(rail, await buyer.pay(quote)), order)
        assert payment.payer == BUYER.address.lower()

    async def test_takes_a_big_picture(self, rail: MppRail, buyer: MppBuyer, order: Order) -> None:
        big = dataclasses.replace(order, body=bytes(200_000))
        assert await rail.verify(read(rail, await buyer.pay(await rail.challenge(big))), big)

    @pytest.mark.parametrize(
        "change",
        [
            {"body": b"another picture"},
            {"body": b""},
            {"price": Price(Decimal("0.04"))},
            {"method": "PUT"},
            {"url": "https://cut.example/v1/upscale"},
        ],
        ids=lambda change: next(iter(change)),
    )
    async def test_refuses_a_quote_for_something_else(
        self, rail: MppRail, buyer: MppBuyer, order: Order, change: dict[str, object]
    ) -> None:
        quoted = dataclasses.replace(order, **change)  # type: ignore[arg-type] # the names are those of Order
        quote = await rail.challenge(quoted)
        if not quoted.body:  # the other way round: quoted with a picture, sent without
            quote, order = await rail.challenge(order), quoted
        assert await refusal(rail, await buyer.pay(quote), order) == "invalid-challenge"

    @pytest.mark.parametrize(
        "change",
        [
            {"id": "A" * 43},
            {"realm": "other.example"},
            {"request": "e30"},
            {"expires": "2099-01-01T00:00:00Z"},
            {"digest": None},
            {"opaque": "e30"},
        ],
        ids=lambda change: next(iter(change)),
    )
    async def test_refuses_a_challenge_that_was_tampered_with(
        self, rail: MppRail, order: Order, change: dict[str, str]
    ) -> None:
        credential = sign(challenge_of(await rail.challenge(order)))
        forged = dataclasses.replace(credential, challenge=dataclasses.replace(credential.challenge, **change))
        assert await refusal(rail, header(forged), order) == "invalid-challenge"

    async def test_refuses_a_challenge_whose_request_is_not_json(self, rail: MppRail, order: Order) -> None:
        credential = sign(challenge_of(await rail.challenge(order)))
        forged = dataclasses.replace(credential, challenge=dataclasses.replace(credential.challenge, request="!"))
        assert await refusal(rail, header(forged), order) == "malformed-credential"

    async def test_refuses_the_transaction_of_another_challenge(self, rail: MppRail, order: Order) -> None:
        first, second = [challenge_of(await rail.challenge(order)) for _ in range(2)]
        replayed = dataclasses.replace(sign(first), challenge=second.to_echo())
        assert await refusal(rail, header(replayed), order) == "verification-failed"

    @pytest.mark.parametrize(
        "memo",
        ["0x" + "00" * 32, encode(challenge_id="another", server_id="cut.example")],
        ids=["no attribution", "another challenge's"],
    )
    async def test_refuses_a_memo_that_is_not_bound_to_the_challenge(
        self, rail: MppRail, order: Order, memo: str
    ) -> None:
        credential = sign(challenge_of(await rail.challenge(order)), memo=memo)
        assert await refusal(rail, header(credential), order) == "verification-failed"

    @pytest.mark.parametrize(
        "change",
        [{"token": ALPHA_USD}, {"amount": UNITS + 1}, {"calls": 2}],
        ids=["another token", "more than asked", "paid twice over"],
    )
    async def test_refuses_another_transfer(self, rail: MppRail, order: Order, change: dict[str, object]) -> None:
        credential = sign(challenge_of(await rail.challenge(order)), **change)  # type: ignore[arg-type] # of sign()
        assert await refusal(rail, header(credential), order) == "verification-failed"

    async def test_refuses_a_source_that_did_not_sign(self, rail: MppRail, order: Order) -> None:
        credential = sign(challenge_of(await rail.challenge(order)))
        other = dataclasses.replace(credential, source=f"did:pkh:eip155:42431:{STRANGER.address}")
        assert await refusal(rail, header(other), order) == "verification-failed"

    async def test_refuses_an_expired_challenge(self, build: Build, order: Order) -> None:
        rail = build(challenge_seconds=1, work_margin_s=0.0, broadcast_margin_s=0.0)
        credential = sign(challenge_of(await rail.challenge(order)))
        await asyncio.sleep(1.1)
        assert await refusal(rail, header(credential), order) == "payment-expired"

    @pytest.mark.parametrize("valid_for", [None, 24 * 3600], ids=["never", "in a day"])
    async def test_refuses_a_transaction_that_outlives_its_challenge(
        self, rail: MppRail, order: Order, valid_for: int | None
    ) -> None:
        credential = sign(challenge_of(await rail.challenge(order)), valid_for=valid_for)
        assert await refusal(rail, header(credential), order) == "verification-failed"

    async def test_refuses_work_that_could_not_be_settled_in_time(self, rail: MppRail, order: Order) -> None:
        credential = sign(challenge_of(await rail.challenge(order)), valid_for=6)
        with pytest.raises(DeadlineUnreachable) as refused:
            await rail.verify(read(rail, header(credential)), order)
        assert refused.value.charged is False

    async def test_asks_no_chain_about_a_payment_that_is_wrong_in_itself(
        self, rail: MppRail, order: Order, faults: Control
    ) -> None:
        before = faults.calls()
        assert await refusal(rail, header(sign(challenge_of(await rail.challenge(order)), amount=1)), order)
        assert faults.calls() == before

    @pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang"])
    async def test_calls_a_failing_chain_unavailable(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control, mode: Mode
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        faults.inject(mode, seconds=4.0)
        with pytest.raises(RailUnavailable):
            await rail.verify(credential, order)


@settings(deadline=None)
@given(position=st.integers(0, 13), value=st.recursive(st.binary(max_size=66), lambda x: st.lists(x, max_size=3)))
def test_any_signed_bytes_for_a_real_challenge_are_judged_without_a_crash(position: int, value: object) -> None:
    """Beyond the parsers: what the SDK does with fields that a wallet would not write."""

    async def judge() -> None:
        rail = MppRail(
            realm="cut.example",
            secret=SECRET,
            recipient=SELLER.address,
            currency=TempoChain.token,
            chain_id=TempoChain.chain_id,
            rpc_url=NOBODY,
        )
        order = Order("https://cut.example/", "POST", b"picture", (), Price(Decimal("0.05")))
        credential = sign(challenge_of(await rail.challenge(order)))
        fields = rlp.decode(bytes.fromhex(credential.payload["signature"][4:]))
        fields[position] = value
        payload = {"type": "transaction", "signature": f"0x76{rlp.encode(fields).hex()}"}
        with suppress(PaymentRejected, DeadlineUnreachable, RailUnavailable):
            await rail.verify(read(rail, header(dataclasses.replace(credential, payload=payload))), order)
        await rail.aclose()

    asyncio.run(judge())


class TestRotation:
    async def test_takes_the_challenges_of_the_previous_secret(
        self, build: Build, rail: MppRail, buyer: MppBuyer, order: Order
    ) -> None:
        """From the quote before the rotation to the money after it."""
        rotated = build(secret="n" * 32, previous_secret=SECRET)
        credential = read(rotated, await buyer.pay(await rail.challenge(order)))
        before = buyer.received()
        await rotated.settle(await rotated.verify(credential, order), credential)
        assert buyer.received() == before + UNITS

    async def test_forgets_the_secret_before(self, build: Build, rail: MppRail, buyer: MppBuyer, order: Order) -> None:
        rotated = build(secret="n" * 32, previous_secret="o" * 32)
        assert await refusal(rotated, await buyer.pay(await rail.challenge(order)), order) == "invalid-challenge"


class TestSettle:
    async def test_sends_nothing_when_too_little_time_is_left(
        self, build: Build, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.verify(credential, order)
        hurried = build(challenge_seconds=60, work_margin_s=40.0, broadcast_margin_s=40.0)
        before = faults.calls()[SEND]
        with pytest.raises(DeadlineUnreachable) as refused:
            await hurried.settle(payment, credential)
        assert refused.value.charged is False
        assert faults.calls()[SEND] == before

    async def test_finds_the_receipt_when_the_reply_was_lost(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.verify(credential, order)
        before = buyer.received()
        faults.inject("drop_after_send", methods=[SEND])
        receipt = await rail.settle(payment, credential)
        assert buyer.received() == before + UNITS
        assert receipt == await rail.find_receipt(payment)

    @pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang"])
    async def test_settles_after_a_failed_broadcast_and_only_once(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control, mode: Mode
    ) -> None:
        """A broadcast that failed leaves a doubt, and the very same payment may be settled again."""
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.verify(credential, order)
        before = buyer.received()
        faults.inject(mode, methods=[SEND], count=1, seconds=6.0)
        with pytest.raises(PaymentOutcomeUnknown) as doubt:
            await rail.settle(payment, credential)
        assert doubt.value.charged is True
        await rail.settle(payment, credential)
        assert buyer.received() == before + UNITS

    async def test_gives_a_receipt_even_if_the_chain_falls_silent_after_the_transfer(
        self, rail: MppRail, buyer: MppBuyer, order: Order, faults: Control
    ) -> None:
        credential = read(rail, await buyer.pay(await rail.challenge(order)))
        payment = await rail.verify(credential, order)
        faults.inject("error5xx", methods=["eth_getTransactionReceipt"])
        receipt = await rail.settle(payment, credential)
        assert receipt.transaction == payment.transaction

    async def test_rejects_what_the_chain_reverted(
        self, rail: MppRail, buyer: MppBuyer, order: Order, tempo_chain: TempoChain
    ) -> None:
        """A payer who spends the money during the work gets no picture and is not charged the price."""
        payer = Account.create()
        tempo_chain.fund(payer.address, 100_000)
        key = payer.key.hex()
        credential = read(rail, header(sign(challenge_of(await rail.challenge(order)), key=key)))
        payment = await rail.verify(credential, order)
        elsewhere = sign(challenge_of(await rail.challenge(order)), key=key, recipient=STRANGER.address, amount=60_000)
        tempo_chain.rpc.call(SEND, elsewhere.payload["signature"])
        before = buyer.received()
        with pytest.raises(PaymentRejected) as refused:
            await rail.settle(payment, credential)
        assert refused.value.charged is False
        assert await rail.find_receipt(payment) is None
        assert buyer.received() == before

    async def test_takes_payers_at_the_same_time(
        self, rail: MppRail, buyer: MppBuyer, order: Order, tempo_chain: TempoChain
    ) -> None:
        before = buyer.received()

        async def buy(wallet: MppBuyer) -> str:
            credential = read(rail, await wallet.pay(await rail.challenge(order)))
            return (await rail.settle(await rail.verify(credential, order), credential)).transaction

        wallets = [buyer, MppBuyer(tempo_chain, key=SECOND_BUYER.key)]
        sold = await asyncio.gather(*(buy(wallet) for wallet in wallets * 5))
        assert len(set(sold)) == 10
        assert buyer.received() == before + 10 * UNITS


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "x" * 31},
        {"previous_secret": "short"},
        {"realm": ""},
        {"recipient": "0x1234"},
        {"currency": "pathUSD"},
        {"challenge_seconds": 8},
        {"work_margin_s": 3.0},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_that_cannot_work_are_refused(build: Build, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="MPP") as fault:
        build("http://127.0.0.1:9", **wrong)
    assert "short" not in str(fault.value)


async def test_the_rpc_url_is_written_nowhere(
    build: Build, order: Order, rail: MppRail, buyer: MppBuyer, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in logs at any level, and not in what a refusal says."""
    caplog.set_level(logging.DEBUG)
    credential = read(rail, await buyer.pay(await rail.challenge(order)))
    payment = await rail.verify(credential, order)
    marked = build("http://127.0.0.1:9/marked-key", confirmation_timeout_s=1.0)
    caplog.clear()
    for attempt in (marked.verify(credential, order), marked.settle(payment, credential)):
        with pytest.raises((RailUnavailable, PaymentOutcomeUnknown)) as refused:
            await attempt
        assert "marked-key" not in str(refused.value)
        assert refused.value.__suppress_context__
    assert caplog.records
    assert "marked-key" not in caplog.text


def test_signatures_are_recovered_by_libsecp256k1() -> None:
    """The pure-Python fallback would block the event loop for 25 ms a payment."""
    assert isinstance(get_backend(), CoinCurveECCBackend)
