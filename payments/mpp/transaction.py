"""The signed Tempo transaction (type 0x76) of a pull payment: parsed strictly, so that what is accepted can be mined.

0x76 ‖ rlp([chain id, priority fee, max fee, gas limit, calls, access list, nonce key, nonce, valid before, valid after,
fee token, fee payer's signature, authorizations, key authorization (optional), signature])

Only the form that both official clients sign with a private key is accepted; with any other form the work could be done
for a transaction that is never mined:

- One call of `transferWithMemo`, without value and without an access list.
- A signature of the payer's secp256k1 key. The SDK recovers the payer from it. From a P256, WebAuthn, access-key or
  multisig signature it takes the account that is named there, unchecked until the chain is asked.
- An expiring nonce. A sequential nonce can be used up by another transaction of the payer during the work.
- No authorizations: one that the chain does not accept invalidates the whole transaction.
- The canonical encoding: the fields, encoded again, must be the same bytes.
"""

from dataclasses import dataclass, field
from typing import Any

import rlp  # type: ignore[import-untyped]  # ships no types
from eth_keys.constants import SECPK1_N

# The hash must be the one under which the SDK broadcasts; pympp is pinned.
from mpp.methods.tempo.intents import (
    TRANSFER_WITH_MEMO_SELECTOR,
    _canonical_raw_transaction,
    _raw_transaction_hash,
    _transaction_sender,
)

EXPIRING_NONCE_KEY = 2**256 - 1
MIN_GAS = 34_000
"""Below it no block of the local chain (hardfork T4) includes a transfer: the minimum is 34,712, with an empty memo."""
MAX_GAS = 30_000_000
"""Tempo's limit for one transaction; the limit of a block is checked separately, on the chain."""

_TYPE = b"\x76"
_ATTODOLLARS_PER_UNIT = 10**12
_EXPIRING_NONCE = (EXPIRING_NONCE_KEY.to_bytes(32), b"")  # nonce key and nonce
_SIGNATURE_BYTES = 65  # r, s, recovery id; every other kind has another length
_RECOVERY_IDS = (0, 1, 27, 28)  # nodes accept others too, but compute another hash for the transaction
_HIGHEST_S = SECPK1_N // 2  # EIP-2; no node accepts the other half
_U64, _U128 = 8, 16  # bytes
_SELECTOR = bytes.fromhex(TRANSFER_WITH_MEMO_SELECTOR)
_PADDING = bytes(12)  # before an address in call data
_CALL_DATA_BYTES = 4 + 3 * 32


@dataclass(frozen=True, slots=True)
class Transfer:
    """One TIP-20 `transferWithMemo`; addresses and memo are 0x-hex in lower case, the amount in base units."""

    token: str
    recipient: str
    amount: int
    memo: str


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The parsed fields of a transaction.

    Attributes:
        raw: 0x-hex in lower case, as it is broadcast.
        hash: 0x-hex, as on the chain.
        transfer: its call.
        call_data: of the transfer, 0x-hex.
        valid_after: unix seconds before which it cannot be mined; 0: none.
        valid_before: unix seconds from which on it cannot be mined; 0: none.
        fee_token: address of the token that pays the gas, lower case; None: the chain chooses.
        gas: the gas limit.
        gas_price: the maximum, in 10^-18 dollars.
    """

    raw: str = field(repr=False)
    hash: str
    transfer: Transfer
    call_data: str
    valid_after: int
    valid_before: int
    fee_token: str | None
    gas: int
    gas_price: int

    @property
    def max_fee(self) -> int:
        """Maximum fee in base units of the fee token: gas prices are in 10^-18 dollars, fees in tokens of six decimals,
        rounded up."""
        return -(-self.gas_price * self.gas // _ATTODOLLARS_PER_UNIT)


def read_transaction(raw: str) -> SignedTransaction:
    """Parse 0x-hex. Signer, chain and payment are not checked here.

    Raises:
        ValueError: not such a transaction.
    """
    data = bytes.fromhex(raw.removeprefix("0x"))
    match _fields(data):
        case [
            bytes(chain), bytes(tip), bytes(price), bytes(gas), [[bytes(to), b"", bytes(call)]], [],
            bytes(nonce_key), bytes(nonce), bytes(before), bytes(after), bytes(fee_token), b"", [], bytes(signature),
        ] if (nonce_key, nonce) == _EXPIRING_NONCE and _is_of_an_own_key(signature):  # fmt: skip
            _number(chain, _U64)
            if _number(tip, _U128) > _number(price, _U128):
                raise ValueError("a priority fee above the maximum fee, which no node accepts")
            canonical = _canonical_raw_transaction("0x" + data.hex())
            return SignedTransaction(
                raw=canonical,
                hash=_raw_transaction_hash(canonical),
                transfer=_transfer(_address(to), call),
                call_data="0x" + call.hex(),
                valid_after=_number(after, _U64),
                valid_before=_number(before, _U64),
                fee_token=_address(fee_token) if fee_token else None,
                gas=_gas(gas),
                gas_price=_number(price, _U128),
            )
        case _:
            raise ValueError("not a plain transaction with a single call, an expiring nonce and no sponsor")


def signer_of(transaction: SignedTransaction) -> str | None:
    """The address that signed it, lower case; None if it cannot be recovered."""
    sender: str | None = _transaction_sender(transaction.raw)
    return sender


def _fields(data: bytes) -> Any:
    if data[:1] != _TYPE:
        raise ValueError("not a Tempo transaction")
    try:
        fields = rlp.decode(data[1:])
        if rlp.encode(fields) != data[1:]:
            raise ValueError("not the canonical RLP")
    except (rlp.DecodingError, RecursionError) as exc:
        raise ValueError("not RLP") from exc
    return fields


def _number(field: bytes, most_bytes: int) -> int:
    if field[:1] == b"\0" or len(field) > most_bytes:
        raise ValueError("a number with leading zeros or out of range, which no node reads")
    return int.from_bytes(field)


def _gas(field: bytes) -> int:
    gas = _number(field, _U64)
    if not MIN_GAS <= gas <= MAX_GAS:
        raise ValueError(f"a gas limit that is not from {MIN_GAS} to {MAX_GAS}")
    return gas


def _address(field: bytes) -> str:
    if len(field) != 20:
        raise ValueError("an address that is not 20 bytes long")
    return "0x" + field.hex()


def _transfer(token: str, call: bytes) -> Transfer:
    head, address, amount, memo = call[:4], call[4:36], call[36:68], call[68:]
    if len(call) != _CALL_DATA_BYTES or head != _SELECTOR or address[:12] != _PADDING:
        raise ValueError("not the call transferWithMemo(address,uint256,bytes32)")
    return Transfer(token, _address(address[12:]), int.from_bytes(amount), "0x" + memo.hex())


def _is_of_an_own_key(signature: bytes) -> bool:
    """Whether the payer can be recovered from it, by the chain's rules."""
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    return (
        len(signature) == _SIGNATURE_BYTES
        and signature[64] in _RECOVERY_IDS
        and 0 < r < SECPK1_N
        and 0 < s <= _HIGHEST_S
    )
