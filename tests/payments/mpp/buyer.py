"""A buyer with the official Python client; told to, one who signs something else than what was asked."""

import time
from dataclasses import replace
from typing import Any

import mpp
from eth_account import Account
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo
from mpp.methods.tempo.attribution import encode
from mpp.runtime import CredentialParams
from pytempo import Call, TempoTransaction  # type: ignore[import-untyped]  # ships no types

from payments.rail import Challenge, HeaderFields
from sandbox.accounts import BUYER, SELLER, STRANGER
from sandbox.calls import call_data
from sandbox.chains import TempoChain

EXPIRING_NONCE_KEY = 2**256 - 1
TRANSFER = "transferWithMemo(address,uint256,bytes32)"


def challenges_of(quote: Challenge) -> list[mpp.Challenge]:
    """The challenges as a client reads them, one for each token."""
    return [mpp.Challenge.from_www_authenticate(value) for name, value in quote.headers if name == "WWW-Authenticate"]


def challenge_of(quote: Challenge, token: str = TempoChain.token) -> mpp.Challenge:
    """The challenge for one token."""
    (asked,) = [each for each in challenges_of(quote) if each.request["currency"] == token]
    return asked


def header(credential: mpp.Credential) -> HeaderFields:
    """The request's header fields that carry a credential."""
    return (("authorization", credential.to_authorization()),)


def sign(
    asked: mpp.Challenge,
    *,
    key: str = BUYER.key,
    amount: int = 50_000,
    recipient: str = SELLER.address,
    token: str = TempoChain.token,
    chain_id: int = TempoChain.chain_id,
    memo: str | None = None,
    valid_for: int | None = 25,
    fee_token: str | None = TempoChain.token,
    gas: int = 1_000_000,
    calls: int = 1,
) -> mpp.Credential:
    """A credential for a challenge whose transaction is right unless it is told otherwise."""
    bound = encode(challenge_id=asked.id, server_id=asked.realm)
    data = call_data(TRANSFER, recipient, amount, bytes.fromhex((memo or bound).removeprefix("0x")))
    transaction = TempoTransaction.create(
        chain_id=chain_id,
        gas_limit=gas,
        max_fee_per_gas=21_000_000_000,
        max_priority_fee_per_gas=21_000_000_000,  # as the official client: the highest fee is then the fee
        nonce_key=EXPIRING_NONCE_KEY,
        valid_before=None if valid_for is None else int(time.time()) + valid_for,
        fee_token=fee_token,
        calls=(Call.create(to=token, data=data),) * calls,
    )
    raw = "0x" + transaction.sign(key).encode().hex()
    source = f"did:pkh:eip155:{chain_id}:{Account.from_key(key).address}"
    return mpp.Credential(asked.to_echo(), {"type": "transaction", "signature": raw}, source)


def spoiled(credential: mpp.Credential) -> mpp.Credential:
    """One bit of the signature's `r` flipped."""
    raw = credential.payload["signature"]
    position = len(raw) - 2 * 60
    changed = raw[:position] + f"{int(raw[position], 16) ^ 1:x}" + raw[position + 1 :]
    return replace(credential, payload={**credential.payload, "signature": changed})


class MppBuyer:
    """Buys by the challenge alone; `received` looks at the seller's balance on the chain."""

    def __init__(self, chain: TempoChain, *, key: str = BUYER.key) -> None:
        self._chain = chain
        self._key = key
        account = TempoAccount.from_key(key)
        self._wallet = tempo.charge(account=account, chain_id=chain.chain_id, rpc_url=chain.rpc_url)

    def received(self) -> int:
        return self._chain.balance_of(SELLER.address)

    async def pay(
        self, challenge: Challenge, fault: str | None = None, *, token: str = TempoChain.token
    ) -> HeaderFields:
        asked = challenge_of(challenge, token)
        if fault is None:
            return (("authorization", await self._wallet.create_credential(CredentialParams(challenge=asked))),)
        credential = sign(asked, **{"key": self._key} | self._changes(fault))
        return header(spoiled(credential) if fault == "signature" else credential)

    def _changes(self, fault: str) -> dict[str, Any]:
        changes: dict[str, dict[str, Any]] = {
            "amount": {"amount": 49_999},
            "recipient": {"recipient": STRANGER.address},
            "network": {"chain_id": 4217},
            "expired": {"valid_for": -1},
            "unfunded": {"key": Account.create().key.hex()},
        }
        return changes.get(fault, {})
