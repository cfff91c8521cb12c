"""A buyer with the official Python client, version 1 or 2 of the protocol; told to, one who cheats."""

import secrets
import time
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from x402 import x402ClientSync
from x402.http.utils import decode_payment_required_header, encode_payment_signature_header
from x402.mechanisms.evm import AUTHORIZATION_TYPES
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.schemas import PaymentPayload, PaymentRequired
from x402.schemas.v1 import PaymentPayloadV1, PaymentRequiredV1

from payments.order import Order
from payments.rail import Challenge, HeaderFields
from payments.x402.eip3009 import Authorization, SignedAuthorization
from payments.x402.rail import X402Rail
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import X402Credential
from sandbox.accounts import BUYER, SELLER, STRANGER, TREASURY
from sandbox.calls import call_data
from sandbox.chains import NO_TIP, Chain

BASE_USDC = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"  # clients pay in assets they know on the network
CANCEL_TYPES = {
    "CancelAuthorization": [{"name": "authorizer", "type": "address"}, {"name": "nonce", "type": "bytes32"}]
}


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
        required = (
            PaymentRequiredV1.model_validate(challenge.members)
            if self._version == 1
            else decode_payment_required_header(dict(challenge.headers)["PAYMENT-REQUIRED"])
        )
        accepts = [wanted.model_copy(update=self._changes(fault)) for wanted in required.accepts]
        unnamed = {} if self._version == 1 else {"extensions": None}  # each payment is a purchase of its own
        return required.model_copy(update={"accepts": accepts, **unnamed})

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


async def bought(rail: X402Rail, buyer: X402Buyer, order: Order, fault: str | None = None) -> X402Credential:
    """What the rail reads from the buyer's payment for an order."""
    attempt = rail.read(await buyer.pay(await rail.challenge(order), fault))
    assert attempt is not None
    return attempt.credential


def authorize(
    payer: LocalAccount, to: str, nonce: str, terms: QuoteTerms, *, units: int = 50_000, valid_before: int | None = None
) -> SignedAuthorization:
    """A signed authorization with a nonce of one's choice, valid for an hour unless told otherwise."""
    end = int(time.time()) + 3600 if valid_before is None else valid_before
    fields = {"from": payer.address, "to": to, "value": units, "validAfter": 0, "validBefore": end}
    signed = payer.sign_typed_data(
        domain(terms), AUTHORIZATION_TYPES, {**fields, "nonce": bytes.fromhex(nonce.removeprefix("0x"))}
    )
    return SignedAuthorization.model_validate(
        {
            "authorization": {name: str(value) for name, value in {**fields, "nonce": nonce}.items()},
            "signature": signed.signature.to_0x_hex(),
        }
    )


def transfer_call(signed: SignedAuthorization) -> str:
    """The token call that anybody can make with a signed authorization."""
    one = signed.authorization
    return call_data(
        "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
        one.payer,
        one.to,
        one.value,
        one.valid_after,
        one.valid_before,
        bytes.fromhex(one.nonce[2:]),
        bytes.fromhex(signed.signature[2:]),
    )


def submit(chain: Chain, to: str, data: str) -> str:
    """Have a stranger send a call; it is in a block, and it succeeded, when this gives its transaction's hash."""
    sent: str = chain.rpc.call("eth_sendTransaction", {"from": TREASURY.address, "to": to, "data": data, **NO_TIP})
    chain.rpc.call("evm_mine")
    assert int(chain.rpc.call("eth_getTransactionReceipt", sent)["status"], 16) == 1
    return sent


def cancel(chain: Chain, authorization: Authorization, terms: QuoteTerms) -> None:
    """The buyer withdraws an authorization on the chain."""
    nonce = bytes.fromhex(authorization.nonce[2:])
    signed = Account.from_key(BUYER.key).sign_typed_data(
        domain(terms), CANCEL_TYPES, {"authorizer": BUYER.address, "nonce": nonce}
    )
    call = call_data("cancelAuthorization(address,bytes32,bytes)", BUYER.address, nonce, signed.signature)
    submit(chain, chain.token, call)


def empty_purse(chain: Chain, purse: LocalAccount) -> None:
    """The payer's whole balance goes to somebody else."""
    chain.rpc.call("anvil_impersonateAccount", purse.address)
    chain.rpc.call("anvil_setBalance", purse.address, hex(10**18))
    everything = call_data("transfer(address,uint256)", STRANGER.address, chain.balance_of(purse.address))
    chain.rpc.call("eth_sendTransaction", {"from": purse.address, "to": chain.token, "data": everything, **NO_TIP})
    chain.rpc.call("evm_mine")
    assert chain.balance_of(purse.address) == 0


def domain(terms: QuoteTerms) -> dict[str, Any]:
    return {
        "name": terms.network.token_name,
        "version": terms.network.token_version,
        "chainId": terms.network.chain_id,
        "verifyingContract": terms.asset,
    }
