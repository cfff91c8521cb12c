"""The rail against the local chain: the contract of all rails with both protocol versions, and x402's own promises."""

from collections.abc import Callable

import pytest

from payments.x402 import X402Rail
from sandbox.chains import BaseChain
from tests.contracts.rail_contract import RailContract
from tests.payments.x402.buyer import X402Buyer


class TestOwnKeyV2(RailContract):
    payment_header = "payment-signature"

    @pytest.fixture
    def build(self, own_key_rail: Callable[..., X402Rail]) -> Callable[..., X402Rail]:
        return own_key_rail

    @pytest.fixture
    def buyer(self, base_chain: BaseChain) -> X402Buyer:
        return X402Buyer(base_chain, version=2)


class TestOwnKeyV1(TestOwnKeyV2):
    payment_header = "x-payment"

    @pytest.fixture
    def buyer(self, base_chain: BaseChain) -> X402Buyer:
        return X402Buyer(base_chain, version=1)
