"""Checks without a facilitator: each fault has its reason, and the chain is asked where nobody else can tell."""

from collections.abc import AsyncIterator

import pytest
from eth_account import Account

from errors import DeadlineUnreachable, PaymentRejected, RailUnavailable
from payments.evm.rpc import RpcClient
from payments.x402 import refusals
from payments.x402.checks import check_deadline, check_locally, check_signature, could_have_paid
from payments.x402.eip3009 import SignedAuthorization
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import X402Credential
from sandbox.accounts import BUYER, SELLER
from sandbox.chains import BaseChain
from tests.contracts.rail_contract import NOBODY
from tests.payments.x402.buyer import authorize
from tests.payments.x402.wallet import deployed

UNITS = 50_000
END = 2_000_000_000
NONCE = "0x" + "77" * 32


@pytest.fixture
def credential(terms: QuoteTerms) -> X402Credential:
    """A v2 payment of the right amount, valid from 1970 until END."""
    return X402Credential(
        rail="x402",
        payment_id="x",
        fingerprint="x",
        version=2,
        sent_in=("payment-signature",),
        scheme="exact",
        network="eip155:84532",
        accepted=terms.requirements(UNITS),
        signed=authorize(Account.from_key(BUYER.key), SELLER.address, NONCE, terms, valid_before=END),
    )


@pytest.fixture
async def rpc(rpc_url: str) -> AsyncIterator[RpcClient]:
    rpc = RpcClient((rpc_url,), timeout_s=3, chain_id=BaseChain.chain_id)
    yield rpc
    await rpc.aclose()


@pytest.fixture
async def nobody() -> AsyncIterator[RpcClient]:
    """An RPC client that gets no answer: who asks it nothing is not disturbed."""
    rpc = RpcClient((NOBODY,), timeout_s=1, chain_id=BaseChain.chain_id)
    yield rpc
    await rpc.aclose()


def check(credential: X402Credential, terms: QuoteTerms, *, now: float = END - 60.0) -> None:
    check_locally(credential, terms, UNITS, now=now)


def changed(credential: X402Credential, **changes: object) -> X402Credential:
    return X402Credential(**{**vars(credential), **changes})


def test_passes_a_good_payment(credential: X402Credential, terms: QuoteTerms) -> None:
    check(credential, terms)
    check(changed(credential, version=1, network="base-sepolia", accepted=None), terms)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scheme": "upto"}, refusals.SCHEME),
        ({"network": "eip155:8453"}, refusals.NETWORK),
        ({"network": "base-sepolia"}, refusals.NETWORK),
        ({"version": 1, "accepted": None}, refusals.NETWORK),
    ],
)
def test_refuses_other_claims(
    credential: X402Credential, terms: QuoteTerms, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(PaymentRejected) as refusal:
        check(changed(credential, **changes), terms)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "1"},
        {"asset": SELLER.address},
        {"pay_to": BUYER.address},
        {"extra": {"name": "USD Coin", "version": "2"}},
        {"extra": {}},
    ],
)
def test_refuses_terms_that_were_not_quoted(
    credential: X402Credential, terms: QuoteTerms, changes: dict[str, object]
) -> None:
    echo = terms.requirements(UNITS).model_copy(update=changes)
    with pytest.raises(PaymentRejected) as refusal:
        check(changed(credential, accepted=echo), terms)
    assert refusal.value.reason == refusals.REQUIREMENTS


def test_takes_the_quote_of_yesterdays_timeout(credential: X402Credential, terms: QuoteTerms) -> None:
    """A changed timeout, or further members of a later protocol, do not cost the buyer the quote."""
    echo = terms.requirements(UNITS)
    echo = echo.model_copy(update={"max_timeout_seconds": 60, "extra": {**echo.extra, "more": 1}})
    check(changed(credential, accepted=echo), terms)


@pytest.mark.parametrize(
    ("now", "reason"),
    [(END, refusals.VALID_BEFORE), (END + 1.5, refusals.VALID_BEFORE), (0.0, refusals.VALID_AFTER)],
)
def test_refuses_out_of_time(credential: X402Credential, terms: QuoteTerms, now: float, reason: str) -> None:
    with pytest.raises(PaymentRejected) as refusal:
        check(credential, terms, now=now)
    assert refusal.value.reason == reason


def test_a_good_payment_that_ends_too_soon_is_not_begun(credential: X402Credential) -> None:
    check_deadline(credential.signed.authorization, END - 15, 15)
    with pytest.raises(DeadlineUnreachable) as refusal:
        check_deadline(credential.signed.authorization, END - 14.9, 15)
    assert refusal.value.reason == refusals.VALID_BEFORE


async def test_the_payers_own_signature_needs_no_chain(
    credential: X402Credential, terms: QuoteTerms, nobody: RpcClient
) -> None:
    await check_signature(credential.signed, terms, nobody)


async def test_anothers_signature_is_refused_where_the_payer_is_a_plain_key(
    credential: X402Credential, terms: QuoteTerms, rpc: RpcClient
) -> None:
    with pytest.raises(PaymentRejected) as refusal:
        await check_signature(resigned(credential, 65), terms, rpc)
    assert refusal.value.reason == refusals.SIGNATURE


async def test_a_signature_of_65_bytes_may_be_a_contract_wallets(
    base_chain: BaseChain, terms: QuoteTerms, rpc: RpcClient, credential: X402Credential
) -> None:
    """The payer's address has code, whatever it is: the facilitator asks that code."""
    wallet = deployed(base_chain)
    authorization = credential.signed.authorization.model_copy(update={"payer": wallet.lower()})
    await check_signature(resigned(credential, 65).model_copy(update={"authorization": authorization}), terms, rpc)


async def test_a_signature_of_another_length_is_left_to_the_facilitator(
    credential: X402Credential, terms: QuoteTerms, nobody: RpcClient
) -> None:
    await check_signature(resigned(credential, 97), terms, nobody)


async def test_a_signature_that_the_chain_has_to_judge_waits_for_the_chain(
    credential: X402Credential, terms: QuoteTerms, nobody: RpcClient
) -> None:
    with pytest.raises(RailUnavailable):
        await check_signature(resigned(credential, 65), terms, nobody)


@pytest.mark.parametrize(("length", "possible"), [(65, False), (97, True)])
def test_only_what_may_be_signed_for_us_can_have_paid_us(
    credential: X402Credential, terms: QuoteTerms, length: int, possible: bool
) -> None:
    assert could_have_paid(credential.signed, terms)
    assert could_have_paid(resigned(credential, length), terms) == possible
    elsewhere = credential.signed.authorization.model_copy(update={"to": BUYER.address.lower()})
    assert not could_have_paid(credential.signed.model_copy(update={"authorization": elsewhere}), terms)


def resigned(credential: X402Credential, length: int) -> SignedAuthorization:
    return credential.signed.model_copy(update={"signature": "0x" + "11" * length})
