"""The signed Tempo transaction (type 0x76) of a pull payment, as far as this rail has to read it itself.

0x76 ‖ rlp([chain id, priority fee, max fee, gas limit, calls, access list, nonce key, nonce, valid before, valid after,
fee token, fee payer's signature, authorizations, key authorization (optional), signature])

Taken is only what cannot get the work done for nothing:

- A signature of the payer's own secp256k1 key. The SDK recovers the payer from it; in a P256, WebAuthn, access-key or
  multisig signature it believes the account that is named there, which may be anybody's, until the chain is asked.
- An expiring nonce. A counted one is burnt by any other transaction of the payer while the picture is made.
- No authorizations: one that the chain does not accept spoils the whole transaction.

Both official clients sign so for a private key.
"""

from dataclasses import dataclass, field

import rlp  # type: ignore[import-untyped]  # ships no types
from eth_keys.constants import SECPK1_N

# The hash must be the one under which the SDK broadcasts; pympp is pinned.
from mpp.methods.tempo.intents import _canonical_raw_transaction, _raw_transaction_hash, _transaction_sender

_TYPE = b"\x76"
_ATTODOLLARS_PER_UNIT = 10**12
_MEMO = slice(68, 100)  # selector, recipient, amount, memo
_EXPIRING_NONCE = (b"\xff" * 32, b"")  # nonce key and nonce
_SIGNATURE_BYTES = 65  # r, s, recovery id; every other kind has another length
_RECOVERY_IDS = (0, 1, 27, 28)  # nodes take others too, and then know the transaction by a hash that is not ours
_HIGHEST_S = SECPK1_N // 2  # EIP-2; no node takes the other half


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """What the chain will be asked about, and what decides whether it is worth working for.

    Attributes:
        raw: 0x-hex, as the payer signed it.
        hash: 0x-hex, the one the chain will know it by.
        memo: 0x-hex of the 32 bytes that stand where `transferWithMemo` has its memo.
        valid_after: unix seconds; before then no block takes it. 0 when it is valid at once.
        valid_before: unix seconds; from then on no block takes it. 0 when it never expires.
        fee_token: address that pays the gas, lower case; None when the payer leaves the choice to the chain.
        gas_price: the highest one, in 10^-18 dollars.
        max_fee: base units of the fee token that the gas may cost.
    """

    raw: str = field(repr=False)
    hash: str
    memo: str
    valid_after: int
    valid_before: int
    fee_token: str | None
    gas_price: int
    max_fee: int


def read_transaction(raw: str) -> SignedTransaction:
    """Read 0x-hex. Judges the outer form only: see above, and one call, and gas that nobody else is to pay.

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
            bytes(chain), bytes(tip), bytes(price), bytes(gas), [[bytes(), bytes(), bytes(call)]], _,
            bytes(nonce_key), bytes(nonce), bytes(before), bytes(after), bytes(fee_token), b"", [], bytes(signature),
        ] if (nonce_key, nonce) == _EXPIRING_NONCE and _is_of_an_own_key(signature):  # fmt: skip
            if any(number[:1] == b"\0" for number in (chain, tip, price, gas, before, after)):
                raise ValueError("a number with leading zeros, which no node reads")
            if int.from_bytes(tip) > int.from_bytes(price):
                raise ValueError("a priority fee above the highest fee, which no node takes")
            return SignedTransaction(
                raw=raw,
                hash=_raw_transaction_hash(_canonical_raw_transaction(raw)),
                memo="0x" + call[_MEMO].hex(),
                valid_after=int.from_bytes(after),
                valid_before=int.from_bytes(before),
                fee_token="0x" + fee_token.hex() if fee_token else None,
                gas_price=int.from_bytes(price),
                max_fee=_base_units(price, gas),
            )
        case _:
            raise ValueError("not a plain transaction with a single call, an expiring nonce and no sponsor")


def signer_of(transaction: SignedTransaction) -> str | None:
    """The address that signed it, lower case; None where there is none to be recovered."""
    sender: str | None = _transaction_sender(transaction.raw)
    return sender


def _is_of_an_own_key(signature: bytes) -> bool:
    """Whether the payer can be recovered from it, as the chain does it."""
    return (
        len(signature) == _SIGNATURE_BYTES
        and signature[64] in _RECOVERY_IDS
        and int.from_bytes(signature[32:64]) <= _HIGHEST_S
    )


def _base_units(price: bytes, gas: bytes) -> int:
    """The chain counts gas prices in 10^-18 dollars and takes fees in tokens of six decimals, rounded up."""
    return -(-int.from_bytes(price) * int.from_bytes(gas) // _ATTODOLLARS_PER_UNIT)
