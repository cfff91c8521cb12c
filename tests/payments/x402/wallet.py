"""A contract wallet on the local chain: a key signs for it, in 65 bytes as for itself."""

import secrets
import time

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from x402.mechanisms.evm import AUTHORIZATION_TYPES

from payments.x402.eip3009 import SignedAuthorization
from payments.x402.requirements import QuoteTerms
from sandbox.accounts import SELLER
from sandbox.calls import call_data
from sandbox.chains import BaseChain, artefact
from tests.payments.x402.buyer import domain, submit


def deployed(chain: BaseChain, owner: LocalAccount | None = None) -> str:
    """The address of a new wallet, which holds a dollar, and is `owner`'s if there is one."""
    address = to_checksum_address("0x" + secrets.token_hex(20))
    chain.rpc.call("anvil_setCode", address, artefact("Wallet")["runtime_bytecode"])
    chain.fund(address, 1_000_000)
    if owner is not None:
        submit(chain, address, call_data("own(address)", owner.address))
    return address


def authorize_as(
    wallet: str, owner: LocalAccount, terms: QuoteTerms, *, units: int = 50_000, to: str = SELLER.address
) -> SignedAuthorization:
    """An authorization of the wallet, signed by a key, valid for two minutes."""
    fields = {"from": wallet, "to": to, "value": units, "validAfter": 0, "validBefore": int(time.time()) + 120}
    nonce = secrets.token_bytes(32)
    signed = owner.sign_typed_data(domain(terms), AUTHORIZATION_TYPES, {**fields, "nonce": nonce})
    authorization = {name: str(value) for name, value in fields.items()} | {"nonce": "0x" + nonce.hex()}
    return SignedAuthorization.model_validate(
        {"authorization": authorization, "signature": signed.signature.to_0x_hex()}
    )
