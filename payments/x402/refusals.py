"""Reason codes of refusals: the specification's where it has one, the SDK's where it has not, and what we say to each.

Only a code in `SENTENCES` is a definite "no" about the payment itself. Any other code that a facilitator may answer
(`unexpected_verify_error`, `settlement_pending`, one of its own) can also mean that its chain is out, so it never turns
into a 402.
"""

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
}

UNREADABLE_SIGNATURE = "invalid_exact_evm_failed_to_verify_signature"
_SPECIFIED = {
    "invalid_exact_evm_insufficient_balance": INSUFFICIENT_FUNDS,
    UNREADABLE_SIGNATURE: SIGNATURE,
}


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
