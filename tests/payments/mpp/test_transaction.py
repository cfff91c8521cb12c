"""Reading signed Tempo transactions."""

from dataclasses import replace

import mpp
import pytest
import rlp  # type: ignore[import-untyped]  # ships no types
from eth_keys.constants import SECPK1_N
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from payments.mpp.transaction import read_transaction
from sandbox.chains import TempoChain
from tests.payments.mpp.buyer import sign

ASKED = mpp.Challenge(id="A" * 43, method="tempo", intent="charge", request={}, realm="cut.example")
RAW: str = sign(ASKED, memo="0x" + "22" * 32).payload["signature"]


def changed(**fields: object) -> str:
    """RAW with fields replaced by their position, as `f4=[]`."""
    decoded = rlp.decode(bytes.fromhex(RAW[4:]))
    for name, value in fields.items():
        decoded[int(name[1:])] = value
    return f"0x76{rlp.encode(decoded).hex()}"


def number(value: int) -> bytes:
    """As RLP wants it."""
    return value.to_bytes((value.bit_length() + 7) // 8)


def test_reads_what_the_wallet_signed() -> None:
    transaction = read_transaction(RAW)
    assert transaction.hash == "0x" + keccak(bytes.fromhex(RAW[2:])).hex()
    assert transaction.memo == "0x" + "22" * 32
    assert transaction.fee_token == TempoChain.token
    assert transaction.max_fee == 21_000  # 1,000,000 gas at 21e9 attodollars


def test_reads_when_it_may_be_mined() -> None:
    transaction = read_transaction(changed(f8=b"\2\0", f9=b"\1"))
    assert (transaction.valid_after, transaction.valid_before) == (1, 512)


def test_a_transaction_without_an_end_has_none() -> None:
    assert read_transaction(sign(ASKED, valid_for=None).payload["signature"]).valid_before == 0


def test_the_payer_may_leave_the_fee_token_to_the_chain() -> None:
    transaction = read_transaction(sign(ASKED, fee_token=None).payload["signature"])
    assert transaction.fee_token is None


@pytest.mark.parametrize(("price", "fee"), [(1, 1), (1_000_000, 1), (1_000_001, 2)])
def test_the_fee_is_rounded_up(price: int, fee: int) -> None:
    transaction = read_transaction(changed(f1=b"", f2=number(price)))
    assert (transaction.gas_price, transaction.max_fee) == (price, fee)


def test_the_hash_is_the_one_the_chain_computes() -> None:
    """Tempo takes recovery ids 0 and 1 too, and hashes the transaction with 27 and 28."""
    signature = rlp.decode(bytes.fromhex(RAW[4:]))[-1]
    raw = changed(f13=signature[:64] + bytes([signature[64] - 27]))
    assert read_transaction(raw) == replace(read_transaction(RAW))


SIGNATURE: bytes = rlp.decode(bytes.fromhex(RAW[4:]))[-1]
R, S, V = SIGNATURE[:32], int.from_bytes(SIGNATURE[32:64]), SIGNATURE[64]

REFUSED = {
    "nothing": "0x",
    "the type alone": "0x76",
    "an Ethereum transaction": "0x02" + RAW[4:],
    "a fee payer's envelope": "0x78" + RAW[4:],
    "half a byte": "0x7",
    "the end missing": RAW[:-2],
    "no call": changed(f4=[]),
    "two calls": changed(f4=[[b"", b"", b""]] * 2),
    "gas for a sponsor to pay": changed(f11=b"\0"),
    "gas paid by a sponsor": changed(f11=[b"", b"\1", b"\2"]),
    "a list for a number": changed(f8=[]),
    "a list of authorizations": changed(f12=[b"\1"]),
    "a key authorization": f"0x76{rlp.encode([*rlp.decode(bytes.fromhex(RAW[4:]))[:-1], [], SIGNATURE]).hex()}",
    "a counted nonce": changed(f6=b""),
    "a counted nonce of a key": changed(f6=b"\1", f7=b"\1"),
    "an expiring nonce with a count": changed(f7=b"\1"),
    "the upper half of s": changed(f13=R + (SECPK1_N - S).to_bytes(32) + bytes([55 - V])),
    "a recovery id of a chain": changed(f13=SIGNATURE[:64] + bytes([V + 8])),
    "leading zeros": changed(f8=b"\0\1"),
    "a tip above the price": changed(f1=b"\2", f2=b"\1"),
    "no fields": "0x76c0",
    "a deep list": "0x76" + "c1" * 7000,
}


@pytest.mark.usefixtures("ordinary_recursion")
@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_transaction(raw)


@given(body=st.binary(max_size=200))
def test_any_bytes_raise_only_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_transaction(f"0x76{body.hex()}")


@given(position=st.integers(0, 13), value=st.recursive(st.binary(max_size=40), lambda x: st.lists(x, max_size=3)))
def test_any_field_is_read_or_refused(position: int, value: object) -> None:
    try:
        transaction = read_transaction(changed(**{f"f{position}": value}))
    except ValueError:
        return
    assert transaction.max_fee >= 0
