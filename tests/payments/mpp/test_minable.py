"""What this rail accepts, the chain mines: nothing is worked for that cannot settle."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import PaymentRejected
from payments.mpp.rail import MppRail
from payments.mpp.transaction import MAX_GAS, MIN_GAS
from payments.order import Order
from sandbox.accounts import BUYER
from sandbox.chains import TempoChain
from tests.examples import examples
from tests.payments.mpp.buyer import MppBuyer, challenge_of, header, sign
from tests.payments.mpp.forging import fields_of, number, signed
from tests.payments.mpp.verifying import judge

SEND = "eth_sendRawTransactionSync"
TOKENS = [bytes.fromhex(f"20c0{last:036x}") for last in range(4)]

numbers = st.sampled_from(
    [0, 1, 21_000, MIN_GAS - 1, MIN_GAS, 50_000, 51_500, 10**6, MAX_GAS, MAX_GAS + 1, 40_000_000, 2**64]
)
prices = st.sampled_from([0, 1, 10**9, 2 * 10**10, 21 * 10**9, 10**12, 2**100, 2**128])
encoded = st.one_of(numbers.map(number), prices.map(number), st.binary(max_size=9))
addresses = st.one_of(st.sampled_from([b"", *TOKENS]), st.binary(min_size=19, max_size=21))
access_lists = st.recursive(st.binary(max_size=32), lambda x: st.lists(x, max_size=2), max_leaves=4)
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "chain": encoded,
    "tip": prices.map(number),
    "price": prices.map(number),
    "gas": numbers.map(number),
    "access": st.just([]) | access_lists,
    "nonce_key": st.sampled_from([b"", b"\1", b"\xff" * 32]),
    "nonce": encoded,
    "after": encoded,
    "fee_token": addresses,
    "sponsor": st.just(b"") | access_lists,
    "authorizations": st.just([]) | access_lists,
    "calls.to": addresses,
    "calls.value": encoded,
    "calls.more": st.binary(max_size=2),
}


def applied(raw: str, changes: dict[str, Any]) -> str:
    """The buyer's transaction with these changes, signed."""
    call = list(fields_of(raw)["calls"][0])
    call[0], call[1] = changes.pop("calls.to", call[0]), changes.pop("calls.value", call[1])
    call[2] += changes.pop("calls.more", b"")
    return signed(raw, BUYER.key, calls=[call], **changes)


async def test_whatever_is_accepted_is_mined(rail: MppRail, order: Order, tempo_chain: TempoChain) -> None:
    outcomes: Counter[str] = Counter()

    async def buy(changes: dict[str, Any]) -> None:
        credential = sign(challenge_of(await rail.challenge(order)))
        raw = applied(credential.payload["signature"], changes)
        try:
            await judge(rail, header(replace(credential, payload={"type": "transaction", "signature": raw})), order)
        except PaymentRejected as refused:
            outcomes[refused.reason] += 1
            return
        outcomes["accepted"] += 1
        assert tempo_chain.rpc.call(SEND, raw)["status"] == "0x1", changes

    loop = asyncio.get_running_loop()

    @settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        changes=st.dictionaries(st.sampled_from(sorted(CHANGES)), st.none(), min_size=1, max_size=2).flatmap(
            lambda names: st.fixed_dictionaries({name: CHANGES[name] for name in names})
        )
    )
    def any_change(changes: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(buy(dict(changes)), loop).result(timeout=30)

    await asyncio.to_thread(any_change)
    assert outcomes["accepted"] > 5, outcomes
    assert outcomes["verification-failed"] > 5, outcomes


async def test_whatever_the_official_client_signs_is_accepted(
    rail: MppRail, buyer: MppBuyer, order: Order, tempo_chain: TempoChain
) -> None:
    for token in (TempoChain.token, TempoChain.second_token):
        payment = await judge(rail, await buyer.pay(await rail.challenge(order), token=token), order)
        assert payment.evidence["currency"] == token
