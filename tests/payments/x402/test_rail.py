"""The contract of all rails, kept by x402 in both versions and both ways of settling."""

import logging
import re
import traceback

import pytest

from errors import PaymentOutcomeUnknown, ServiceError
from payments.order import Order
from payments.rail import PaymentAttempt, Rail
from payments.x402.rail import X402Rail
from sandbox.accounts import SETTLER
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, Mode
from tests.contracts.rail_contract import NOBODY, RailContract
from tests.payments.x402.buyer import X402Buyer, bought
from tests.payments.x402.conftest import RailBuilder


class TestOwnKeyV2(RailContract):
    payment_header = "payment-signature"

    @pytest.fixture
    def build(self, new_rail: RailBuilder) -> RailBuilder:
        return new_rail


class TestOwnKeyV1(TestOwnKeyV2):
    payment_header = "x-payment"

    @pytest.fixture
    def buyer(self, base_chain: BaseChain) -> X402Buyer:
        return X402Buyer(base_chain, version=1)


class TestFacilitatorV2(RailContract):
    payment_header = "payment-signature"

    @pytest.fixture
    def build(self, new_rail: RailBuilder, facilitator_url: str) -> RailBuilder:
        def build(rpc_url: str, **settings: object) -> X402Rail:
            url = NOBODY if rpc_url == NOBODY else facilitator_url
            return new_rail(rpc_url, facilitator_url=url, settlement_key=None, **settings)

        return build

    async def test_finds_no_receipt_of_what_was_never_settled(
        self, rail: Rail, order: Order, attempt: PaymentAttempt
    ) -> None:
        """What a facilitator still has under way is not known before the authorization has expired."""
        payment = await attempt.verify(order)
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.find_receipt(payment)


class TestFacilitatorV1(TestFacilitatorV2):
    payment_header = "x-payment"

    @pytest.fixture
    def buyer(self, base_chain: BaseChain) -> X402Buyer:
        return X402Buyer(base_chain, version=1)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"chain_id": 1}, "should be 8453 or 84532"),
        ({"asset": "0x12"}, "must be a 0x address"),
        ({"pay_to": "seller"}, "must be a 0x address"),
        ({"pay_to": None}, "x402.pay_to is missing"),
        ({"rpc_url": None}, "rpc_url is missing"),
        ({"settlement_key": "0xbeef"}, "must be a 32-byte private key"),
        ({"settlement_key": None}, "x402.facilitator_url, or x402.settlement_key or x402.signer_url, is missing"),
        ({"settlement_key": None, "facilitator_url": "ftp://127.0.0.1"}, "must be an http(s) URL"),
    ],
)
async def test_refuses_settings_that_do_not_fit(
    new_rail: RailBuilder, settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as refusal:
        new_rail(**settings)
    assert SETTLER.key not in str(refusal.value)
    assert "beef" not in str(refusal.value)


@pytest.mark.parametrize("mode", ["none", "error5xx", "rpcerror", "hang"])
async def test_no_secret_leaves(
    new_rail: RailBuilder,
    flaky_url: str,
    flaky: Control,
    buyer: X402Buyer,
    order: Order,
    caplog: pytest.LogCaptureFixture,
    mode: Mode,
) -> None:
    """Neither the RPC URL, which may hold an API key, nor the settlement key is in any error, log or description."""
    rail = new_rail(f"{flaky_url}/?key=MARKED", rpc_timeout_s=0.3, settle_timeout_s=1.0, doubt_s=0.1)
    credential, broke = await bought(rail, buyer, order), await bought(rail, buyer, order, "unfunded")
    payment = await rail.bind(credential).verify(order)
    flaky.inject(mode)
    said = [repr(rail), repr(credential), repr(payment), str(await rail.health())]
    with caplog.at_level(logging.DEBUG):
        for step in (rail.bind(broke).verify(order), rail.bind(credential).settle(payment), rail.find_receipt(payment)):
            try:
                said.append(repr(await step))
            except ServiceError as error:
                said.append("".join(traceback.format_exception(error)))
    for secret in ("MARKED", SETTLER.key, SETTLER.key[2:], credential.signed.signature):
        assert secret not in "".join(said)
        assert secret not in caplog.text
