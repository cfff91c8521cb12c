"""Reason codes of refusals: the specification's where it has one, the SDK's where it has not, and what we say to each.

Before anything can have moved (`verify`), a facilitator service's "no" is definite unless its code says that the
service itself failed. Once money can move, only a code in `SENTENCES` is: any other one (`settlement_pending`, one of
its own) can also mean that its chain is out. Even then it is the chain that closes a settlement (confirmation.py).
"""

import re
from collections.abc import Mapping

from errors import PaymentRejected

SCHEME = "invalid_scheme"
NETWORK = "invalid_network"
REQUIREMENTS = "invalid_payment_requirements"
RECIPIENT = "invalid_exact_evm_payload_recipient_mismatch"
VALUE = "invalid_exact_evm_payload_authorization_value_mismatch"
VALID_BEFORE = "invalid_exact_evm_payload_authorization_valid_before"
VALID_AFTER = "invalid_exact_evm_payload_authorization_valid_after"
SIGNATURE = "invalid_exact_evm_payload_signature"
INSUFFICIENT_FUNDS = "insufficient_funds"
NONCE_USED = "invalid_exact_evm_nonce_already_used"
UNDEPLOYED_WALLET = "invalid_exact_evm_payload_undeployed_smart_wallet"
FACTORY = "eip6492_factory_not_allowed"
SIMULATION = "invalid_exact_evm_transaction_simulation_failed"
TRANSACTION = "invalid_transaction_state"
PAYLOAD = "invalid_payload"
UNNAMED = "rejected_by_facilitator"

SENTENCES: Mapping[str, str] = {
    SCHEME: "Only the scheme `exact` with an EIP-3009 authorization is taken.",
    NETWORK: "This payment is for another network than the one quoted.",
    REQUIREMENTS: "This payment accepts other terms than the ones quoted.",
    RECIPIENT: "This payment is to another recipient than the one quoted.",
    VALUE: "This payment is not for exactly the amount quoted.",
    VALID_BEFORE: "This payment has expired.",
    VALID_AFTER: "This payment is not valid yet.",
    SIGNATURE: "The signature is not the payer's over this authorization on this network and asset.",
    INSUFFICIENT_FUNDS: "The payer's balance is too low.",
    NONCE_USED: "This authorization has been used or cancelled on the chain already.",
    UNDEPLOYED_WALLET: "The payer's smart wallet is not deployed.",
    FACTORY: "The payer's smart wallet is not deployed, and wallets are not deployed here.",
    SIMULATION: "The token refuses this transfer.",
    TRANSACTION: "The transfer was reverted on the chain.",
    PAYLOAD: "The payment facilitator cannot read this payment.",
}

UNREADABLE_SIGNATURE = "invalid_exact_evm_failed_to_verify_signature"
_SPECIFIED = {
    "invalid_exact_evm_insufficient_balance": INSUFFICIENT_FUNDS,
    "insufficient_balance": INSUFFICIENT_FUNDS,
    "network_mismatch": NETWORK,
    "unsupported_scheme": SCHEME,
    UNREADABLE_SIGNATURE: SIGNATURE,
}

_FAILURES = frozenset(
    {
        "asset_not_deployed_contract",
        "invalid_exact_evm_failed_to_get_asset_info",
        "invalid_exact_evm_failed_to_get_network_config",
        "settlement_pending",
    }
)
"""Codes by which a service says that it cannot judge, beside those that begin with `unexpected_`."""

_CODE = re.compile(r"[a-z]+(_[a-z]+){1,9}")
"""The form of a code that we do not know and pass on to the payer: words only, so neither keys nor addresses pass."""
_MOST_CHARACTERS = 64


def refuse(reason: str) -> PaymentRejected:
    """The refusal for one of the codes of this file."""
    return PaymentRejected(SENTENCES[reason], reason=reason)


def refusal(reason: str | None, *, unclear: frozenset[str] = frozenset()) -> PaymentRejected | None:
    """The refusal that a facilitator's code stands for; None when the code proves nothing about the payment.

    Args:
        unclear: further codes that prove nothing, coming from this facilitator.
    """
    if reason is None or reason in unclear:
        return None
    code = _SPECIFIED.get(reason, reason)
    return refuse(code) if code in SENTENCES else None


def refusal_by_service(reason: str | None) -> PaymentRejected | None:
    """The refusal that a service's code stands for before it was asked to settle; None when the service failed.

    A code that we do not know is passed on when it has the form of one: the payer may know it.
    """
    if reason is not None and (reason in _FAILURES or reason.startswith("unexpected_")):
        return None
    known = refusal(reason)
    if known is not None:
        return known
    has_form = reason is not None and len(reason) <= _MOST_CHARACTERS and _CODE.fullmatch(reason)
    code = reason if reason and has_form else UNNAMED
    return PaymentRejected("The payment facilitator does not accept this payment.", reason=code)
