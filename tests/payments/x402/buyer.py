"""A buyer with the official Python client, version 1 or 2 of the protocol; told to, one who cheats."""

import secrets
from typing import Any

from eth_account import Account
from x402 import x402ClientSync
from x402.http.utils import decode_payment_required_header, encode_payment_signature_header
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.schemas import PaymentPayload, PaymentRequired
from x402.schemas.v1 import PaymentPayloadV1, PaymentRequiredV1

from payments.rail import Challenge, HeaderFields
from sandbox.accounts import BUYER, SELLER, STRANGER
from sandbox.chains import Chain

BASE_USDC = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"  # clients pay in assets they know on the network


class X402Buyer:
    """Buys by the challenge alone; `received` looks at the seller's balance on the chain."""

    def __init__(self, chain: Chain, *, version: int, key: str = BUYER.key) -> None:
        self._chain = chain
        self._version = version
        self._key = key

    def received(self) -> int:
        return self._chain.balance_of(SELLER.address)

    async def pay(self, challenge: Challenge, fault: str | None = None) -> HeaderFields:
        key = "0x" + secrets.token_hex(32) if fault == "unfunded" else self._key
        payment = self.sign(self.asked(challenge, fault), key)
        if fault == "signature":
            payment.payload["signature"] = _spoiled(payment.payload["signature"])
        return ((self.header, encode_payment_signature_header(payment)),)

    @property
    def header(self) -> str:
        return "x-payment" if self._version == 1 else "payment-signature"

    def asked(self, challenge: Challenge, fault: str | None = None) -> PaymentRequired | PaymentRequiredV1:
        """The challenge as the client reads it, or as a cheat wishes it were."""
        required: Any
        if self._version == 1:
            required = PaymentRequiredV1.model_validate(challenge.members)
        else:
            required = decode_payment_required_header(dict(challenge.headers)["PAYMENT-REQUIRED"])
        (wanted,) = required.accepts
        required.accepts = [wanted.model_copy(update=self._changes(fault))]
        return required

    def sign(self, required: PaymentRequired | PaymentRequiredV1, key: str) -> PaymentPayload | PaymentPayloadV1:
        client = register_exact_evm_client(x402ClientSync(), Account.from_key(key))
        return client.create_payment_payload(required)

    def _changes(self, fault: str | None) -> dict[str, object]:
        amount, network = ("max_amount_required", "base") if self._version == 1 else ("amount", "eip155:8453")
        changes: dict[str | None, dict[str, object]] = {
            "amount": {amount: "49999"},
            "recipient": {"pay_to": STRANGER.address},
            "network": {"network": network, "asset": BASE_USDC},
            "expired": {"max_timeout_seconds": -1},
        }
        return changes.get(fault, {})


def _spoiled(signature: str) -> str:
    """Another signature of the same form: one bit of `s` is flipped."""
    position = 2 + 2 * 40
    return signature[:position] + f"{int(signature[position], 16) ^ 1:x}" + signature[position + 1 :]
