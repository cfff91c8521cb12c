"""Contract wallets pay as plain keys do, also with signatures of 65 bytes: their own code judges them (EIP-1271)."""

import dataclasses

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from errors import PaymentRejected
from payments.order import Order
from payments.x402.eip3009 import SignedAuthorization
from payments.x402.rail import X402Rail
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import X402Credential
from sandbox.chains import BaseChain
from tests.contracts.rail_contract import UNITS
from tests.payments.x402.buyer import X402Buyer, bought
from tests.payments.x402.conftest import RailBuilder
from tests.payments.x402.wallet import authorize_as, deployed


@pytest.fixture(params=["own key", "facilitator"])
def rail(request: pytest.FixtureRequest, new_rail: RailBuilder) -> X402Rail:
    if request.param == "own key":
        return new_rail()
    return new_rail(facilitator_url=request.getfixturevalue("facilitator_url"), settlement_key=None)


@pytest.fixture
def owner() -> LocalAccount:
    account: LocalAccount = Account.create()
    return account


async def _signed_with(rail: X402Rail, buyer: X402Buyer, order: Order, signed: SignedAuthorization) -> X402Credential:
    credential = await bought(rail, buyer, order)
    payer = signed.authorization.payer
    return dataclasses.replace(credential, signed=signed, payment_id=f"a test:{payer}", fingerprint=signed.fingerprint)


async def test_a_wallet_pays_with_the_signature_of_its_key(
    rail: X402Rail, base_chain: BaseChain, buyer: X402Buyer, order: Order, terms: QuoteTerms, owner: LocalAccount
) -> None:
    wallet = deployed(base_chain, owner)
    signed = authorize_as(wallet, owner, terms)
    assert signed.is_key_sized
    credential = await _signed_with(rail, buyer, order, signed)
    before, held = buyer.received(), base_chain.balance_of(wallet)
    payment = await rail.bind(credential).verify(order)
    assert payment.payer == wallet.lower()
    receipt = await rail.bind(credential).settle(payment)
    assert receipt.payer == wallet
    assert buyer.received() == before + UNITS
    assert base_chain.balance_of(wallet) == held - UNITS


async def test_a_wallet_does_not_pay_with_the_signature_of_another_key(
    rail: X402Rail, base_chain: BaseChain, buyer: X402Buyer, order: Order, terms: QuoteTerms, owner: LocalAccount
) -> None:
    wallet = deployed(base_chain, owner)
    forged = authorize_as(wallet, Account.create(), terms)
    credential = await _signed_with(rail, buyer, order, forged)
    with pytest.raises(PaymentRejected) as refusal:
        await rail.bind(credential).verify(order)
    assert refusal.value.reason == "invalid_exact_evm_payload_signature"
