"""Local checks: each fault has its reason, and nobody is asked."""

import pytest
from eth_account import Account

from errors import DeadlineUnreachable, PaymentRejected
from payments.x402 import refusals
from payments.x402.checks import check_locally
from payments.x402.requirements import Terms
from payments.x402.wire import X402Credential
from sandbox.accounts import BUYER, SELLER
from tests.payments.x402.buyer import authorize

UNITS = 50_000
END = 2_000_000_000
NONCE = "0x" + "77" * 32


@pytest.fixture
def credential(terms: Terms) -> X402Credential:
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


def check(credential: X402Credential, terms: Terms, *, now: float = END - 60.0) -> None:
    check_locally(credential, terms, UNITS, now=now, min_validity_s=15)


def changed(credential: X402Credential, **changes: object) -> X402Credential:
    return X402Credential(**{**vars(credential), **changes})


def test_passes_a_good_payment(credential: X402Credential, terms: Terms) -> None:
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
    credential: X402Credential, terms: Terms, changes: dict[str, object], reason: str
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
    credential: X402Credential, terms: Terms, changes: dict[str, object]
) -> None:
    echo = terms.requirements(UNITS).model_copy(update=changes)
    with pytest.raises(PaymentRejected) as refusal:
        check(changed(credential, accepted=echo), terms)
    assert refusal.value.reason == refusals.REQUIREMENTS


def test_takes_the_quote_of_yesterdays_timeout(credential: X402Credential, terms: Terms) -> None:
    """A changed timeout, or further members of a later protocol, do not cost the buyer the quote."""
    echo = terms.requirements(UNITS)
    echo = echo.model_copy(update={"max_timeout_seconds": 60, "extra": {**echo.extra, "more": 1}})
    check(changed(credential, accepted=echo), terms)


@pytest.mark.parametrize(
    ("now", "reason"),
    [(END, refusals.VALID_BEFORE), (END + 1.5, refusals.VALID_BEFORE), (0.0, refusals.VALID_AFTER)],
)
def test_refuses_out_of_time(credential: X402Credential, terms: Terms, now: float, reason: str) -> None:
    with pytest.raises(PaymentRejected) as refusal:
        check(credential, terms, now=now)
    assert refusal.value.reason == reason


def test_a_good_payment_that_ends_too_soon_is_not_begun(credential: X402Credential, terms: Terms) -> None:
    check(credential, terms, now=END - 15)
    with pytest.raises(DeadlineUnreachable):
        check(credential, terms, now=END - 14.9)


def test_a_bad_signature_is_refused_however_short_the_time(credential: X402Credential, terms: Terms) -> None:
    """Or else garbage would be answered by a 503, which the limit on unpaid answers does not count."""
    forged = credential.signed.model_copy(update={"signature": "0x" + "11" * 65})
    with pytest.raises(PaymentRejected) as refusal:
        check(changed(credential, signed=forged), terms, now=END - 1)
    assert refusal.value.reason == refusals.SIGNATURE


def test_the_signature_of_a_contract_wallet_is_left_to_the_chain(credential: X402Credential, terms: Terms) -> None:
    check(changed(credential, signed=credential.signed.model_copy(update={"signature": "0x" + "11" * 97})), terms)
