"""The test token on a real chain: it moves by signed authorization as USDC does, and refuses in words the SDK knows."""

import secrets
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, field, replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account as Keys
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from x402.mechanisms.evm.exact.eip3009_utils import parse_eip3009_transfer_error

from sandbox.accounts import SELLER, SETTLER, STRANGER
from sandbox.calls import call_data
from sandbox.chains import BaseChain
from sandbox.process import SandboxError

TOKEN = BaseChain.token
FIELDS = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"
CANCEL_FIELDS = "address authorizer,bytes32 nonce"
DOMAIN_FIELDS = "string name,string version,uint256 chainId,address verifyingContract"
DOMAIN = ("USDC", "2", 84532, TOKEN)
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

USED = "invalid_exact_evm_nonce_already_used"
BAD_SIGNATURE = "invalid_exact_evm_payload_signature"


@dataclass(frozen=True)
class Authorization:
    """The six fields a payer signs, in their order."""

    payer: str
    to: str = SELLER.address
    value: int = 50_000
    valid_after: int = 0
    valid_before: int = field(default_factory=lambda: int(time.time()) + 120)
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(32))


@pytest.fixture
def payer(base_chain: BaseChain) -> LocalAccount:
    """A new wallet with the price of two cut-outs."""
    wallet: LocalAccount = Keys.create()
    base_chain.fund(wallet.address, 100_000)
    return wallet


def typed_data(kind: str, fields: str, values: tuple[Any, ...]) -> SignableMessage:
    def members(text: str) -> list[dict[str, str]]:
        return [dict(zip(("type", "name"), member.split(), strict=True)) for member in text.split(",")]

    def named(text: str, values: tuple[Any, ...]) -> dict[str, Any]:
        return {member["name"]: value for member, value in zip(members(text), values, strict=True)}

    return encode_typed_data(
        full_message={
            "types": {"EIP712Domain": members(DOMAIN_FIELDS), kind: members(fields)},
            "primaryType": kind,
            "domain": named(DOMAIN_FIELDS, DOMAIN),
            "message": named(fields, values),
        }
    )


def sign(wallet: LocalAccount, values: tuple[Any, ...], kind: str = "TransferWithAuthorization") -> bytes:
    fields = CANCEL_FIELDS if kind == "CancelAuthorization" else FIELDS
    return bytes(wallet.sign_message(typed_data(kind, fields, values)).signature)


def by_parts(function: str, values: tuple[Any, ...], signature: bytes) -> str:
    """Call the overload that takes v, r and s."""
    v, r, s = signature[64], signature[:32], signature[32:64]
    return call_data(f"{function}({types(values)},uint8,bytes32,bytes32)", *values, v, r, s)


def by_bytes(function: str, values: tuple[Any, ...], signature: bytes) -> str:
    """Call the overload that takes the signature whole."""
    return call_data(f"{function}({types(values)},bytes)", *values, signature)


def types(values: tuple[Any, ...]) -> str:
    fields = FIELDS if len(values) == 6 else CANCEL_FIELDS
    return ",".join(member.split()[0] for member in fields.split(","))


def send(chain: BaseChain, data: str, sender: str = SETTLER.address) -> list[str]:
    """Mine the call; the topics of what it logged. Raises SandboxError with the revert string when it is refused."""
    transaction = {"from": sender, "to": TOKEN, "data": data}
    chain.rpc.call("eth_call", transaction, "latest")
    sent = chain.rpc.call("eth_sendTransaction", transaction)
    chain.rpc.call("evm_mine")
    receipt = chain.rpc.call("eth_getTransactionReceipt", sent)
    assert receipt["status"] == "0x1"
    return [log["topics"][0] for log in receipt["logs"]]


def read(chain: BaseChain, signature: str, *arguments: Any) -> str:
    answer: str = chain.rpc.call("eth_call", {"to": TOKEN, "data": call_data(signature, *arguments)}, "latest")
    return answer


def is_spent(chain: BaseChain, authorization: Authorization) -> bool:
    return bool(int(read(chain, "authorizationState(address,bytes32)", authorization.payer, authorization.nonce), 16))


def refusal(chain: BaseChain, data: str) -> str:
    """What the x402 SDK makes of the chain's refusal of this call."""
    with pytest.raises(SandboxError) as caught:
        send(chain, data)
    return parse_eip3009_transfer_error(caught.value)


def topic(event: str) -> str:
    return "0x" + keccak(text=event).hex()


TRANSFERRED = topic("Transfer(address,address,uint256)")
AUTHORIZATION_USED = topic("AuthorizationUsed(address,bytes32)")
AUTHORIZATION_CANCELED = topic("AuthorizationCanceled(address,bytes32)")
overloads = pytest.mark.parametrize("overload", [by_parts, by_bytes])
Overload = Callable[[str, tuple[Any, ...], bytes], str]


def test_payers_sign_for_the_domain_the_token_checks(base_chain: BaseChain) -> None:
    """The separator equals eth-account's, and the one published for Circle's USDC on Base Sepolia."""
    separator = read(base_chain, "DOMAIN_SEPARATOR()")
    assert separator == "0x" + typed_data("CancelAuthorization", CANCEL_FIELDS, (TOKEN, bytes(32))).header.hex()
    assert separator.startswith("0x71f17a3b")
    assert separator.endswith("9818")


@pytest.mark.parametrize(("getter", "value"), [("name()", "USDC"), ("version()", "2"), ("symbol()", "USDC")])
def test_it_has_the_names_of_usdc(base_chain: BaseChain, getter: str, value: str) -> None:
    assert read(base_chain, getter) == "0x" + encode(["string"], [value]).hex()


def test_it_has_six_decimals(base_chain: BaseChain) -> None:
    assert int(read(base_chain, "decimals()"), 16) == 6


@overloads
def test_an_authorization_moves_money_exactly_once(
    base_chain: BaseChain, payer: LocalAccount, overload: Overload
) -> None:
    authorization = Authorization(payer.address)
    before = base_chain.balance_of(SELLER.address)
    values = astuple(authorization)
    call = overload("transferWithAuthorization", values, sign(payer, values))

    assert send(base_chain, call) == [AUTHORIZATION_USED, TRANSFERRED]
    assert base_chain.balance_of(SELLER.address) == before + 50_000
    assert base_chain.balance_of(payer.address) == 50_000
    assert is_spent(base_chain, authorization)
    assert refusal(base_chain, call) == USED


@overloads
def test_a_cancelled_authorization_moves_nothing(
    base_chain: BaseChain, payer: LocalAccount, overload: Overload
) -> None:
    """Cancelling marks the nonce as using it does, but no money moves and another event tells so."""
    authorization = Authorization(payer.address)
    values = astuple(authorization)
    cancelled = (payer.address, authorization.nonce)
    cancel = overload("cancelAuthorization", cancelled, sign(payer, cancelled, "CancelAuthorization"))

    assert send(base_chain, cancel) == [AUTHORIZATION_CANCELED]
    assert is_spent(base_chain, authorization)
    assert refusal(base_chain, overload("transferWithAuthorization", values, sign(payer, values))) == USED
    assert base_chain.balance_of(payer.address) == 100_000


@overloads
def test_only_the_payee_receives_with_authorization(
    base_chain: BaseChain, payer: LocalAccount, overload: Overload
) -> None:
    values = astuple(Authorization(payer.address))
    call = overload("receiveWithAuthorization", values, sign(payer, values, "ReceiveWithAuthorization"))

    with pytest.raises(SandboxError, match="caller is not the payee"):
        send(base_chain, call, sender=STRANGER.address)
    assert send(base_chain, call, sender=SELLER.address) == [AUTHORIZATION_USED, TRANSFERRED]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valid_before": 1}, "invalid_exact_evm_payload_authorization_valid_before"),
        ({"valid_after": 2**40}, "invalid_exact_evm_payload_authorization_valid_after"),
        ({"value": 100_001}, "invalid_exact_evm_insufficient_balance"),
    ],
)
def test_a_refusal_is_named_for_its_cause(
    base_chain: BaseChain, payer: LocalAccount, changes: dict[str, Any], reason: str
) -> None:
    authorization = replace(Authorization(payer.address), **changes)
    values = astuple(authorization)
    assert refusal(base_chain, by_parts("transferWithAuthorization", values, sign(payer, values))) == reason
    assert not is_spent(base_chain, authorization)


@pytest.mark.parametrize("tampered", [{"value": 50_001}, {"to": STRANGER.address}, {"nonce": bytes(32)}])
def test_a_signature_fits_only_what_was_signed(
    base_chain: BaseChain, payer: LocalAccount, tampered: dict[str, Any]
) -> None:
    signed = Authorization(payer.address)
    call = by_bytes("transferWithAuthorization", astuple(replace(signed, **tampered)), sign(payer, astuple(signed)))
    assert refusal(base_chain, call) == BAD_SIGNATURE


def mirrored(signature: bytes) -> bytes:
    """The other signature of the same message that plain ECDSA would accept."""
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


@pytest.mark.parametrize("spoil", [mirrored, lambda signature: signature[:64], lambda _: bytes(65)])
def test_a_spoilt_signature_is_refused(
    base_chain: BaseChain, payer: LocalAccount, spoil: Callable[[bytes], bytes]
) -> None:
    values = astuple(Authorization(payer.address))
    call = by_bytes("transferWithAuthorization", values, spoil(sign(payer, values)))
    assert refusal(base_chain, call) == BAD_SIGNATURE


def test_the_zero_address_signs_nothing(base_chain: BaseChain) -> None:
    """A signature nobody made recovers to the zero address, which must not count as its owner."""
    values = astuple(Authorization("0x" + "0" * 40, value=0))
    assert refusal(base_chain, by_bytes("transferWithAuthorization", values, bytes(65))) == BAD_SIGNATURE


def test_a_plain_transfer_moves_no_more_than_there_is(base_chain: BaseChain) -> None:
    before = base_chain.balance_of(SELLER.address)
    base_chain.fund(STRANGER.address, 10)
    transfer = call_data("transfer(address,uint256)", SELLER.address, base_chain.balance_of(STRANGER.address))

    assert send(base_chain, transfer, sender=STRANGER.address) == [TRANSFERRED]
    assert base_chain.balance_of(SELLER.address) >= before + 10
    with pytest.raises(SandboxError, match="transfer amount exceeds balance"):
        send(base_chain, transfer, sender=STRANGER.address)
