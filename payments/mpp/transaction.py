"""The signed Tempo transaction (type 0x76) of a pull payment, as far as this rail has to read it itself.

0x76 ‖ rlp([chain id, priority fee, max fee, gas limit, calls, access list, nonce key, nonce, valid before, valid after,
fee token, fee payer's signature, authorizations, key authorization (optional), signature])
"""

from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]  # ships no types

# The hash must be the one under which the SDK broadcasts; pympp is pinned.
from mpp.methods.tempo.intents import _canonical_raw_transaction, _raw_transaction_hash

_TYPE = b"\x76"
_ATTODOLLARS_PER_UNIT = 10**12
_MEMO = slice(68, 100)  # selector, recipient, amount, memo


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """What the chain will be asked about, and what decides whether it is worth working for.

    Attributes:
        hash: 0x-hex, the one the chain will know it by.
        memo: 0x-hex of the 32 bytes that stand where `transferWithMemo` has its memo.
        valid_after: unix seconds; before then no block takes it. 0 when it is valid at once.
        valid_before: unix seconds; from then on no block takes it. 0 when it never expires.
        fee_token: address that pays the gas, lower case; None when the payer leaves the choice to the chain.
        max_fee: base units of the fee token that the gas may cost.
    """

    hash: str
    memo: str
    valid_after: int
    valid_before: int
    fee_token: str | None
    max_fee: int


def read_transaction(raw: str) -> SignedTransaction:
    """Read 0x-hex. Judges the outer form only: one call, and gas that nobody else is to pay.

    Raises:
        ValueError: not such a transaction.
    """
    data = bytes.fromhex(raw.removeprefix("0x"))
    if data[:1] != _TYPE:
        raise ValueError("not a Tempo transaction")
    try:
        fields = rlp.decode(data[1:])
    except (rlp.DecodingError, RecursionError) as exc:
        raise ValueError("not RLP") from exc
    match fields:
        case [
            _, _, bytes(price), bytes(gas), [[bytes(), bytes(), bytes(call)]], _, _, _, bytes(before), bytes(after),
            bytes(fee_token), b"", _, *_,
        ]:  # fmt: skip
            return SignedTransaction(
                hash=_raw_transaction_hash(_canonical_raw_transaction(raw)),
                memo="0x" + call[_MEMO].hex(),
                valid_after=int.from_bytes(after),
                valid_before=int.from_bytes(before),
                fee_token="0x" + fee_token.hex() if fee_token else None,
                max_fee=_base_units(price, gas),
            )
        case _:
            raise ValueError("not a transaction with a single call and no sponsor")


def _base_units(price: bytes, gas: bytes) -> int:
    """The chain counts gas prices in 10^-18 dollars and takes fees in tokens of six decimals, rounded up."""
    return -(-int.from_bytes(price) * int.from_bytes(gas) // _ATTODOLLARS_PER_UNIT)
