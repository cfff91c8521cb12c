"""Every token that is accepted pays, and pays for itself only."""

import dataclasses
from collections.abc import Callable

import mpp
import pytest
from eth_account import Account

from payments.mpp.rail import MppRail
from payments.order import Order
from sandbox.accounts import SELLER
from sandbox.calls import call_data
from sandbox.chains import TempoChain
from tests.contracts.rail_contract import UNITS
from tests.fakes.node import node
from tests.payments.mpp.buyer import MppBuyer, challenge_of, header, sign
from tests.payments.mpp.verifying import read, refusal

PATH_USD, ALPHA_USD = TempoChain.token, TempoChain.second_token
BETA_USD = "0x20c0000000000000000000000000000000000002"


@pytest.mark.parametrize("token", [PATH_USD, ALPHA_USD])
async def test_a_payment_goes_by_the_token_of_its_challenge(
    rail: MppRail, buyer: MppBuyer, order: Order, tempo_chain: TempoChain, token: str
) -> None:
    """Verification, money, receipt and evidence."""
    other = ALPHA_USD if token == PATH_USD else PATH_USD
    before = [tempo_chain.balance_of(SELLER.address, each) for each in (token, other)]
    credential = read(rail, await buyer.pay(await rail.challenge(order), token=token))
    payment = await rail.bind(credential).verify(order)
    receipt = await rail.bind(credential).settle(payment)
    after = [tempo_chain.balance_of(SELLER.address, each) for each in (token, other)]
    assert after == [before[0] + UNITS, before[1]]
    assert payment.evidence["currency"] == token
    assert await rail.find_receipt(payment) == receipt
    ((_, value),) = rail.bind(credential).receipt_headers(receipt)
    assert mpp.Receipt.from_payment_receipt(value).funding_currency == token


@pytest.mark.parametrize("token", [PATH_USD, ALPHA_USD])
async def test_funds_are_those_of_the_token(rail: MppRail, order: Order, tempo_chain: TempoChain, token: str) -> None:
    payer = Account.create()
    tempo_chain.fund(payer.address, 1_000_000, token)
    asked = challenge_of(await rail.challenge(order), token)
    credential = read(rail, header(sign(asked, key=payer.key.hex(), token=token, fee_token=token)))
    payment = await rail.bind(credential).verify(order)
    assert payment.funds == 1_000_000 - credential.transaction.max_fee


@pytest.mark.parametrize(("asked", "paid"), [(PATH_USD, ALPHA_USD), (ALPHA_USD, PATH_USD), (PATH_USD, BETA_USD)])
async def test_one_token_does_not_pay_the_challenge_of_another(
    rail: MppRail, order: Order, asked: str, paid: str
) -> None:
    credential = sign(challenge_of(await rail.challenge(order), asked), token=paid)
    assert await refusal(rail, header(credential), order) == "verification-failed"


async def test_a_challenge_cannot_be_given_another_token(rail: MppRail, order: Order) -> None:
    quote = await rail.challenge(order)
    path, alpha = challenge_of(quote, PATH_USD), challenge_of(quote, ALPHA_USD)
    credential = sign(alpha, token=ALPHA_USD)
    mixed = dataclasses.replace(path.to_echo(), request=alpha.to_echo().request)
    forged = dataclasses.replace(credential, challenge=mixed)
    assert await refusal(rail, header(forged), order) == "invalid-challenge"


async def test_a_token_that_is_no_longer_accepted_buys_nothing(
    build: Callable[..., MppRail], buyer: MppBuyer, order: Order
) -> None:
    paid = await buyer.pay(await build().challenge(order), token=ALPHA_USD)
    assert await refusal(build(currencies=(PATH_USD,)), paid, order) == "invalid-challenge"


async def test_a_token_of_other_decimals_makes_the_rail_unwell(build: Callable[..., MppRail], rpc_url: str) -> None:
    """Prices would be wrong by powers of ten. A token that was in order is not asked about again."""
    with node(rpc_url) as (scripted, url):
        rail = build(url)
        scripted.returns[call_data("decimals()")] = f"0x{18:064x}"
        assert PATH_USD in (await rail.health() or "")
        del scripted.returns[call_data("decimals()")]
        assert await rail.health() is None
        scripted.returns[call_data("decimals()")] = f"0x{18:064x}"
        assert await rail.health() is None


async def test_a_token_that_is_none_makes_the_rail_unwell(build: Callable[..., MppRail]) -> None:
    """The manager of fees counts in no decimals, and there is nothing at an unused address."""
    for address in ("0x20c00000000000000000000000000000000000ff", "0xfeec000000000000000000000000000000000000"):
        unwell = await build(currencies=(PATH_USD, address)).health()
        assert unwell is not None
        assert address in unwell
    assert await build().health() is None
