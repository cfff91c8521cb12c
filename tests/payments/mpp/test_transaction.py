"""Reading signed Tempo transactions."""

import mpp
import pytest
import rlp  # type: ignore[import-untyped]  # ships no types
from eth_keys.constants import SECPK1_N
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from payments.mpp.transaction import MAX_GAS, MIN_GAS, Transfer, read_transaction
from sandbox.accounts import SELLER
from sandbox.chains import TempoChain
from tests.payments.mpp.buyer import sign
from tests.payments.mpp.forging import FIELDS as FIELD_NAMES
from tests.payments.mpp.forging import changed, fields_of, number

ASKED = mpp.Challenge(id="A" * 43, method="tempo", intent="charge", request={}, realm="cut.example")
RAW: str = sign(ASKED, memo="0x" + "22" * 32).payload["signature"]
FIELDS = fields_of(RAW)
SIGNATURE: bytes = FIELDS["signature"]
R, S, V = SIGNATURE[:32], int.from_bytes(SIGNATURE[32:64]), SIGNATURE[64]
((TO, _, CALL),) = FIELDS["calls"]


def test_reads_what_the_wallet_signed() -> None:
    transaction = read_transaction(RAW)
    assert transaction.hash == "0x" + keccak(bytes.fromhex(RAW[2:])).hex()
    assert transaction.transfer == Transfer(TempoChain.token, SELLER.address.lower(), 50_000, "0x" + "22" * 32)
    assert transaction.fee_token == TempoChain.token
    assert transaction.max_fee == 21_000  # 1,000,000 gas at 21e9 attodollars


def test_reads_when_it_may_be_mined() -> None:
    transaction = read_transaction(changed(RAW, before=b"\2\0", after=b"\1"))
    assert (transaction.valid_after, transaction.valid_before) == (1, 512)


def test_a_transaction_without_an_end_has_none() -> None:
    assert read_transaction(sign(ASKED, valid_for=None).payload["signature"]).valid_before == 0


def test_the_payer_may_leave_the_fee_token_to_the_chain() -> None:
    transaction = read_transaction(sign(ASKED, fee_token=None).payload["signature"])
    assert transaction.fee_token is None


@pytest.mark.parametrize(("price", "fee"), [(1, 1), (25_000_000, 1), (25_000_001, 2)])
def test_the_fee_is_rounded_up(price: int, fee: int) -> None:
    transaction = read_transaction(changed(RAW, tip=b"", price=number(price), gas=number(40_000)))
    assert (transaction.gas_price, transaction.gas, transaction.max_fee) == (price, 40_000, fee)


@pytest.mark.parametrize("gas", [MIN_GAS, MAX_GAS])
def test_gas_within_its_bounds_is_read(gas: int) -> None:
    assert read_transaction(changed(RAW, gas=number(gas))).gas == gas


def test_the_hash_is_the_one_the_chain_computes() -> None:
    """Tempo takes recovery ids 0 and 1 too, and hashes the transaction with 27 and 28."""
    raw = changed(RAW, signature=SIGNATURE[:64] + bytes([SIGNATURE[64] - 27]))
    assert read_transaction(raw) == read_transaction(RAW)


def test_the_same_bytes_are_the_same_transaction_in_capitals() -> None:
    assert read_transaction("0x" + RAW[2:].upper()) == read_transaction(RAW)


def calling(call: bytes, *, to: bytes = TO, value: bytes = b"") -> str:
    return changed(RAW, calls=[[to, value, call]])


REFUSED = {
    "nothing": "0x",
    "the type alone": "0x76",
    "an Ethereum transaction": "0x02" + RAW[4:],
    "a fee payer's envelope": "0x78" + RAW[4:],
    "half a byte": "0x7",
    "the end missing": RAW[:-2],
    "bytes after the end": RAW + "00",
    "a length in the long form": f"0x76fa00{RAW[6:]}",
    "no call": changed(RAW, calls=[]),
    "two calls": changed(RAW, calls=FIELDS["calls"] * 2),
    "a call without input": changed(RAW, calls=[[TO, b""]]),
    "a value of zero, written out": calling(CALL, value=b"\0"),
    "a value": calling(CALL, value=b"\1"),
    "a token of 19 bytes": calling(CALL, to=TO[1:]),
    "no token": calling(CALL, to=b""),
    "a plain transfer": calling(bytes.fromhex("a9059cbb") + CALL[4:68]),
    "another function": calling(b"\0\0\0\0" + CALL[4:]),
    "a call cut short": calling(CALL[:-1]),
    "a call with more behind it": calling(CALL + b"\0"),
    "an address that is padded with something": calling(CALL[:4] + b"\1" + CALL[5:]),
    "an access list that is a number": changed(RAW, access=b"\1"),
    "an access list of an address": changed(RAW, access=[TO]),
    "an access list with a short address": changed(RAW, access=[[TO[1:], []]]),
    "an access list": changed(RAW, access=[[TO, []]]),
    "gas for a sponsor to pay": changed(RAW, sponsor=b"\0"),
    "gas paid by a sponsor": changed(RAW, sponsor=[b"", b"\1", b"\2"]),
    "a list for a number": changed(RAW, before=[]),
    "a list of authorizations": changed(RAW, authorizations=[b"\1"]),
    "a key authorization": f"0x76{rlp.encode([*list(FIELDS.values())[:-1], [], SIGNATURE]).hex()}",
    "a counted nonce": changed(RAW, nonce_key=b""),
    "a counted nonce of a key": changed(RAW, nonce_key=b"\1", nonce=b"\1"),
    "an expiring nonce with a count": changed(RAW, nonce=b"\1"),
    "the upper half of s": changed(RAW, signature=R + (SECPK1_N - S).to_bytes(32) + bytes([55 - V])),
    "an s of zero": changed(RAW, signature=R + bytes(32) + bytes([V])),
    "an r of zero": changed(RAW, signature=bytes(32) + SIGNATURE[32:]),
    "an r above the curve": changed(RAW, signature=SECPK1_N.to_bytes(32) + SIGNATURE[32:]),
    "a recovery id of a chain": changed(RAW, signature=SIGNATURE[:64] + bytes([V + 8])),
    "leading zeros": changed(RAW, before=b"\0\1"),
    "a chain id of nine bytes": changed(RAW, chain=b"\1" * 9),
    "an end of nine bytes": changed(RAW, before=b"\1" * 9),
    "a price of seventeen bytes": changed(RAW, price=b"\1" * 17),
    "a tip above the price": changed(RAW, tip=b"\2", price=b"\1"),
    "no gas": changed(RAW, gas=b""),
    "one gas": changed(RAW, gas=b"\1"),
    "the gas of an Ethereum transfer": changed(RAW, gas=number(21_000)),
    "a little too little gas": changed(RAW, gas=number(MIN_GAS - 1)),
    "a little too much gas": changed(RAW, gas=number(MAX_GAS + 1)),
    "gas of nine bytes": changed(RAW, gas=b"\1" + bytes(8)),
    "a fee token of 19 bytes": changed(RAW, fee_token=TO[1:]),
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


@given(name=st.sampled_from(FIELD_NAMES), value=st.recursive(st.binary(max_size=40), lambda x: st.lists(x, max_size=3)))
def test_any_field_is_read_or_refused(name: str, value: object) -> None:
    raw = changed(RAW, **{name: value})
    try:
        transaction = read_transaction(raw)
    except ValueError:
        return
    assert transaction.raw == raw
    assert MIN_GAS <= transaction.gas <= MAX_GAS
