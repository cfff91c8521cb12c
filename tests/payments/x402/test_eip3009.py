"""Signatures of authorizations, judged without a chain."""

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from payments.x402.eip3009 import SignedAuthorization
from payments.x402.requirements import QuoteTerms
from sandbox.accounts import SECOND_BUYER, SELLER
from tests.payments.x402.buyer import authorize
from tests.payments.x402.terms import terms_of

NONCE = "0x" + "5c" * 32


@pytest.fixture
def payer() -> LocalAccount:
    account: LocalAccount = Account.from_key(SECOND_BUYER.key)
    return account


@pytest.fixture
def signed(payer: LocalAccount, terms: QuoteTerms) -> SignedAuthorization:
    return authorize(payer, SELLER.address, NONCE, terms)


def resigned(signed: SignedAuthorization, signature: str) -> SignedAuthorization:
    return signed.model_copy(update={"signature": signature})


def test_knows_the_payers_signature(signed: SignedAuthorization, terms: QuoteTerms) -> None:
    assert signed.signed_by_payer(terms)
    assert signed.is_key_sized


def test_takes_the_recovery_id_in_both_writings(signed: SignedAuthorization, terms: QuoteTerms) -> None:
    """27 and 28, or 0 and 1."""
    low = f"{int(signed.signature[-2:], 16) - 27:02x}"
    assert resigned(signed, signed.signature[:-2] + low).signed_by_payer(terms)


@pytest.mark.parametrize("field", ["to", "value", "valid_after", "valid_before", "nonce", "payer"])
def test_a_signature_covers_every_field(signed: SignedAuthorization, terms: QuoteTerms, field: str) -> None:
    other = {"to": terms.asset.lower(), "payer": terms.asset.lower(), "nonce": "0x" + "00" * 32}.get(field, 1)
    changed = signed.authorization.model_copy(update={field: other})
    assert not signed.model_copy(update={"authorization": changed}).signed_by_payer(terms)


def test_a_signature_holds_for_one_chain_only(signed: SignedAuthorization, terms: QuoteTerms) -> None:
    base = terms_of(chain_id=8453, asset=terms.asset, pay_to=terms.pay_to, max_timeout_seconds=60)
    assert not signed.signed_by_payer(base)


@pytest.mark.parametrize("signature", ["0x" + "00" * 65, "0x" + "ff" * 65, "0x" + "1b" * 64 + "1d"])
def test_nonsense_is_nobodys_signature(signed: SignedAuthorization, terms: QuoteTerms, signature: str) -> None:
    assert not resigned(signed, signature).signed_by_payer(terms)


@pytest.mark.parametrize("length", [64, 66, 97, 400])
def test_other_lengths_are_left_to_the_chain(signed: SignedAuthorization, length: int) -> None:
    assert not resigned(signed, "0x" + "1b" * length).is_key_sized


def test_writes_what_it_read(signed: SignedAuthorization, payer: LocalAccount) -> None:
    payload = signed.as_payload()
    assert payload["authorization"]["from"] == payer.address
    assert SignedAuthorization.model_validate(payload) == signed
