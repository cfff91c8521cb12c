"""What the rail makes of honest and forged credentials, against the local chain."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
import rlp  # type: ignore[import-untyped]  # ships no types
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st
from mpp.methods.tempo.attribution import encode
from mpp.methods.tempo.intents import _transaction_sender

from errors import DeadlineUnreachable, PaymentRejected, RailUnavailable
from payments.money import Price
from payments.mpp.rail import MppRail
from payments.order import Order
from sandbox.accounts import BUYER, SELLER, STRANGER
from sandbox.chains import TempoChain
from sandbox.rpc_proxy import Control, Mode
from tests.contracts.rail_contract import NOBODY, UNITS
from tests.payments.mpp.buyer import MppBuyer, challenge_of, header, sign
from tests.payments.mpp.conftest import SECRET, mpp_rail
from tests.payments.mpp.verifying import read, refusal

ALPHA_USD = "0x20c0000000000000000000000000000000000001"

Build = Callable[..., MppRail]


async def test_takes_a_picture_for_a_quote_of_an_empty_request(rail: MppRail, buyer: MppBuyer, order: Order) -> None:
    quote = await rail.challenge(dataclasses.replace(order, body=b""))
    payment = await rail.bind(read(rail, await buyer.pay(quote))).verify(order)
    assert payment.payer == BUYER.address.lower()


async def test_takes_a_big_picture(rail: MppRail, buyer: MppBuyer, order: Order) -> None:
    big = dataclasses.replace(order, body=bytes(200_000))
    assert await rail.bind(read(rail, await buyer.pay(await rail.challenge(big)))).verify(big)


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"another picture"},
        {"body": b""},
        {"price": Price(Decimal("0.04"))},
        {"method": "PUT"},
        {"url": "https://cut.example/v1/upscale"},
        {"url": "https://cut.example/v1/remove-background?model=large"},
    ],
    ids=["body", "no body", "price", "method", "url", "model"],
)
async def test_refuses_a_quote_for_something_else(
    rail: MppRail, buyer: MppBuyer, order: Order, change: dict[str, object]
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
async def test_refuses_a_challenge_that_was_tampered_with(rail: MppRail, order: Order, change: dict[str, str]) -> None:
    credential = sign(challenge_of(await rail.challenge(order)))
    forged = dataclasses.replace(credential, challenge=dataclasses.replace(credential.challenge, **change))
    assert await refusal(rail, header(forged), order) == "invalid-challenge"


async def test_refuses_a_challenge_whose_request_is_not_json(rail: MppRail, order: Order) -> None:
    credential = sign(challenge_of(await rail.challenge(order)))
    forged = dataclasses.replace(credential, challenge=dataclasses.replace(credential.challenge, request="!"))
    assert await refusal(rail, header(forged), order) == "malformed-credential"


async def test_refuses_the_transaction_of_another_challenge(rail: MppRail, order: Order) -> None:
    first, second = [challenge_of(await rail.challenge(order)) for _ in range(2)]
    replayed = dataclasses.replace(sign(first), challenge=second.to_echo())
    assert await refusal(rail, header(replayed), order) == "verification-failed"


@pytest.mark.parametrize(
    "memo",
    ["0x" + "00" * 32, encode(challenge_id="another", server_id="cut.example")],
    ids=["no attribution", "another challenge's"],
)
async def test_refuses_a_memo_that_is_not_bound_to_the_challenge(rail: MppRail, order: Order, memo: str) -> None:
    credential = sign(challenge_of(await rail.challenge(order)), memo=memo)
    assert await refusal(rail, header(credential), order) == "verification-failed"


@pytest.mark.parametrize(
    "change",
    [{"token": ALPHA_USD}, {"amount": UNITS + 1}, {"calls": 2}],
    ids=["another token", "more than asked", "paid twice over"],
)
async def test_refuses_another_transfer(rail: MppRail, order: Order, change: dict[str, object]) -> None:
    credential = sign(challenge_of(await rail.challenge(order)), **change)  # type: ignore[arg-type] # of sign()
    assert await refusal(rail, header(credential), order) == "verification-failed"


async def test_refuses_a_source_that_did_not_sign(rail: MppRail, order: Order) -> None:
    credential = sign(challenge_of(await rail.challenge(order)))
    other = dataclasses.replace(credential, source=f"did:pkh:eip155:42431:{STRANGER.address}")
    assert await refusal(rail, header(other), order) == "verification-failed"


ROOT = bytes.fromhex(BUYER.address[2:])
KEYS = {
    "P256": b"\1" + bytes(128) + b"\0",
    "WebAuthn": b"\2" + bytes(200),
    "access key (V1)": b"\3" + ROOT + b"\1" * 65,
    "access key (V2)": b"\4" + ROOT + b"\1" * 65,
    "multisig": b"\5" + rlp.encode([ROOT, []]),
}


def asked(faults: Control) -> Counter[str]:
    """How often the chain was asked about payments; a health probe of an earlier test may still come in."""
    calls = faults.calls()
    for of_a_probe in ("eth_chainId", "eth_getBlockByNumber"):
        del calls[of_a_probe]
    return calls


@pytest.mark.parametrize("signature", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("named", [True, False], ids=["with its source", "without a source"])
async def test_believes_no_payer_who_is_only_named(
    rail: MppRail, order: Order, faults: Control, signature: bytes, *, named: bool
) -> None:
    """Nobody but the chain has checked such a signature: the funds would be somebody else's, and the work unpaid."""
    honest = sign(challenge_of(await rail.challenge(order)))
    fields = rlp.decode(bytes.fromhex(honest.payload["signature"][4:]))
    raw = f"0x76{rlp.encode([*fields[:-1], signature]).hex()}"
    payer = _transaction_sender(raw)
    assert payer is not None  # the SDK takes it at its word
    source = f"did:pkh:eip155:42431:{payer}" if named else None
    forged = dataclasses.replace(honest, payload={"type": "transaction", "signature": raw}, source=source)
    before = asked(faults)
    with pytest.raises(PaymentRejected, match="secp256k1") as refused:
        await rail.bind(read(rail, header(forged))).verify(order)
    assert refused.value.reason == "verification-failed"
    assert asked(faults) == before


async def test_says_what_the_payer_can_spend(rail: MppRail, order: Order, tempo_chain: TempoChain) -> None:
    payer = Account.create()
    tempo_chain.fund(payer.address, 1_000_000)
    credential = read(rail, header(sign(challenge_of(await rail.challenge(order)), key=payer.key.hex())))
    payment = await rail.bind(credential).verify(order)
    assert payment.funds == 1_000_000 - credential.transaction.max_fee


async def test_refuses_an_expired_challenge(build: Build, order: Order) -> None:
    rail = build(challenge_seconds=1, work_margin_s=0.01, broadcast_margin_s=0.01)
    credential = sign(challenge_of(await rail.challenge(order)))
    await asyncio.sleep(1.1)
    assert await refusal(rail, header(credential), order) == "payment-expired"


@pytest.mark.parametrize("valid_for", [None, 24 * 3600], ids=["never", "in a day"])
async def test_refuses_a_transaction_that_outlives_its_challenge(
    rail: MppRail, order: Order, valid_for: int | None
) -> None:
    credential = sign(challenge_of(await rail.challenge(order)), valid_for=valid_for)
    assert await refusal(rail, header(credential), order) == "verification-failed"


async def test_refuses_work_that_could_not_be_settled_in_time(rail: MppRail, order: Order) -> None:
    credential = sign(challenge_of(await rail.challenge(order)), valid_for=6)
    with pytest.raises(DeadlineUnreachable) as refused:
        await rail.bind(read(rail, header(credential))).verify(order)
    assert refused.value.charged is False


async def test_asks_no_chain_about_a_payment_that_is_wrong_in_itself(
    rail: MppRail, order: Order, faults: Control
) -> None:
    """Unless it may have paid us already."""
    before = asked(faults)
    wrong = sign(challenge_of(await rail.challenge(order)), amount=1, recipient=STRANGER.address)
    assert await refusal(rail, header(wrong), order)
    assert asked(faults) == before
    assert await refusal(rail, header(sign(challenge_of(await rail.challenge(order)), amount=1)), order)
    assert asked(faults) - before == {"eth_getTransactionReceipt": 1}


@pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang"])
async def test_calls_a_failing_chain_unavailable(
    rail: MppRail, buyer: MppBuyer, order: Order, faults: Control, mode: Mode
) -> None:
    credential = read(rail, await buyer.pay(await rail.challenge(order)))
    faults.inject(mode, seconds=4.0)
    with pytest.raises(RailUnavailable):
        await rail.bind(credential).verify(order)


@settings(deadline=None)
@given(position=st.integers(0, 13), value=st.recursive(st.binary(max_size=66), lambda x: st.lists(x, max_size=3)))
def test_any_signed_bytes_for_a_real_challenge_are_judged_without_a_crash(position: int, value: object) -> None:
    """Beyond the parsers: what the SDK does with fields that a wallet would not write."""

    async def judge() -> None:
        rail = mpp_rail(
            host="cut.example",
            secret_key=SECRET,
            recipient=SELLER.address,
            currencies=(TempoChain.token,),
            chain_id=TempoChain.chain_id,
            rpc_url=NOBODY,
        )
        order = Order("https://cut.example/", "POST", b"picture", (), Price(Decimal("0.05")))
        credential = sign(challenge_of(await rail.challenge(order)))
        fields = rlp.decode(bytes.fromhex(credential.payload["signature"][4:]))
        fields[position] = value
        payload = {"type": "transaction", "signature": f"0x76{rlp.encode(fields).hex()}"}
        with suppress(PaymentRejected, DeadlineUnreachable, RailUnavailable):
            await rail.bind(read(rail, header(dataclasses.replace(credential, payload=payload)))).verify(order)
        await rail.aclose()

    asyncio.run(judge())
