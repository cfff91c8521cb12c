"""Reason codes of refusals with their sentences. The codes are the specification's, or the SDK's if it has none.

Before money can move (`verify`), a facilitator service's refusal is definite unless its code states that the service
failed. Once money can move, only a code in `SENTENCES` is definite: others (`settlement_pending`, unknown codes) can
also mean an outage of its chain. In any case the chain decides the outcome (confirmation.py).
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
    SCHEME: "Only the scheme `exact` with an EIP-3009 authorization is accepted.",
    NETWORK: "The payment's network does not match the quote.",
    REQUIREMENTS: "The payment's terms do not match the quote.",
    RECIPIENT: "The payment's recipient does not match the quote.",
    VALUE: "The payment's amount does not match the quote.",
    VALID_BEFORE: "This payment has expired.",
    VALID_AFTER: "This payment is not valid yet.",
    SIGNATURE: "The signature does not match the payer and this authorization on this network and asset.",
    INSUFFICIENT_FUNDS: "The payer's balance is too low.",
    NONCE_USED: "This authorization has already been used or cancelled on the chain.",
    UNDEPLOYED_WALLET: "The payer's smart wallet is not deployed.",
    FACTORY: "The payer's smart wallet is not deployed, and this service does not deploy wallets.",
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
"""Codes of a service that cannot verify now, in addition to those that begin with `unexpected_`."""

_CODE = re.compile(r"[a-z]+(_[a-z]+){1,9}")
"""The format of an unknown code that is forwarded to the payer: only words, so no keys or addresses."""
_MOST_CHARACTERS = 64


def refuse(reason: str) -> PaymentRejected:
    """The refusal for one of the codes above."""
    return PaymentRejected(SENTENCES[reason], reason=reason)


def refusal(reason: str | None, *, unclear: frozenset[str] = frozenset()) -> PaymentRejected | None:
    """The refusal for a facilitator's code; None if the code proves nothing about the payment.

    Args:
        unclear: further codes that prove nothing if this facilitator returns them.
    """
    if reason is None or reason in unclear:
        return None
    code = _SPECIFIED.get(reason, reason)
    return refuse(code) if code in SENTENCES else None


def refusal_by_service(reason: str | None) -> PaymentRejected | None:
    """The refusal for a service's code before it was asked to settle; None if the service failed.

    An unknown code is forwarded if it has the format of a code, because the payer may know it.
    """
    if reason is not None and (reason in _FAILURES or reason.startswith("unexpected_")):
        return None
    known = refusal(reason)
    if known is not None:
        return known
    has_form = reason is not None and len(reason) <= _MOST_CHARACTERS and _CODE.fullmatch(reason)
    code = reason if reason and has_form else UNNAMED
    return PaymentRejected("The payment facilitator does not accept this payment.", reason=code)
