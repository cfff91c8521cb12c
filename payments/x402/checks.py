"""The checks of a payment that need no facilitator, in the specification's order."""

from x402.schemas import PaymentRequirements

from errors import DeadlineUnreachable
from payments.evm.question import JsonRpc
from payments.evm.questions import code
from payments.x402 import refusals
from payments.x402.eip3009 import Authorization, SignedAuthorization
from payments.x402.refusals import refuse
from payments.x402.requirements import SCHEME_EXACT, QuoteTerms
from payments.x402.wire import X402Credential


def check_locally(credential: X402Credential, terms: QuoteTerms, units: int, *, now: float) -> None:
    """Reject a payment that does not match an order of `units`, without a network call or a check of the signature.

    Raises:
        PaymentRejected: with the specification's reason.
    """
    _check_claims(credential, terms, units)
    _check_transfer(credential.signed.authorization, terms, units)
    _check_window(credential.signed.authorization, now)


async def check_signature(signed: SignedAuthorization, terms: QuoteTerms, rpc: JsonRpc) -> None:
    """Reject a 65-byte signature that was not made with the payer's key, unless the payer is a contract.

    The signature of a contract wallet (EIP-1271) may have 65 bytes too, so only the chain can distinguish the two.

    Raises:
        PaymentRejected: the payer is not a contract and did not sign this.
        RailUnavailable: the chain does not respond.
    """
    if not signed.is_key_sized or signed.signed_by_payer(terms):
        return
    if not await rpc.ask(code(signed.authorization.payer)):
        raise refuse(refusals.SIGNATURE)


def could_have_paid(signed: SignedAuthorization, terms: QuoteTerms) -> bool:
    """Whether this authorization could have paid us: we are the recipient, and the signature may be valid."""
    to_us = signed.authorization.to == terms.pay_to.lower()
    return to_us and (not signed.is_key_sized or signed.signed_by_payer(terms))


def check_deadline(authorization: Authorization, now: float, min_validity_s: float) -> None:
    """Reject an authorization that expires too early for processing and settlement.

    Raises:
        DeadlineUnreachable: it expires less than `min_validity_s` seconds after `now`.
    """
    if authorization.valid_before < now + min_validity_s:
        raise DeadlineUnreachable(
            f"The payment must be valid for at least {min_validity_s:.0f} seconds, for the work and the settlement."
            " Nothing was charged; sign a payment with a longer validity.",
            reason=refusals.VALID_BEFORE,
        )


def _check_claims(credential: X402Credential, terms: QuoteTerms, units: int) -> None:
    if credential.scheme != SCHEME_EXACT:
        raise refuse(refusals.SCHEME)
    if credential.network != (terms.network.v1_name if credential.version == 1 else terms.network.caip2):
        raise refuse(refusals.NETWORK)
    if credential.accepted is not None and _bound(credential.accepted) != _bound(terms.requirements(units)):
        raise refuse(refusals.REQUIREMENTS)


def _bound(accepted: PaymentRequirements) -> tuple[object, ...]:
    """The terms that must match. The timeout need not, because it may be from an older quote."""
    token = (accepted.extra.get("name"), accepted.extra.get("version"))
    return accepted.amount, accepted.asset.lower(), accepted.pay_to.lower(), token


def _check_transfer(authorization: Authorization, terms: QuoteTerms, units: int) -> None:
    if authorization.to != terms.pay_to.lower():
        raise refuse(refusals.RECIPIENT)
    if authorization.value != units:
        raise refuse(refusals.VALUE)


def _check_window(authorization: Authorization, now: float) -> None:
    if authorization.valid_before <= now:
        raise refuse(refusals.VALID_BEFORE)
    if authorization.valid_after >= now:
        raise refuse(refusals.VALID_AFTER)
