"""Everything about a payment that can be judged without asking anybody, in the order of the specification's list."""

from x402.schemas import PaymentRequirements

from errors import DeadlineUnreachable
from payments.x402 import refusals
from payments.x402.eip3009 import Authorization
from payments.x402.refusals import refuse
from payments.x402.requirements import SCHEME_EXACT, Terms
from payments.x402.wire import X402Credential


def check_locally(credential: X402Credential, terms: Terms, units: int, *, now: float, min_validity_s: float) -> None:
    """Refuse what cannot pay for an order of `units`, without a network call.

    Raises:
        PaymentRejected: with the specification's reason.
        DeadlineUnreachable: it would expire less than `min_validity_s` seconds from `now`.
    """
    _check_claims(credential, terms, units)
    _check_transfer(credential.signed.authorization, terms, units)
    _check_window(credential.signed.authorization, now)
    if not credential.signed.from_contract_wallet and not credential.signed.signed_by_payer(terms):
        raise refuse(refusals.SIGNATURE)
    _check_deadline(credential.signed.authorization, now, min_validity_s)


def _check_claims(credential: X402Credential, terms: Terms, units: int) -> None:
    if credential.scheme != SCHEME_EXACT:
        raise refuse(refusals.SCHEME)
    if credential.network != (terms.network.v1_name if credential.version == 1 else terms.network.caip2):
        raise refuse(refusals.NETWORK)
    if credential.accepted is not None and _bound(credential.accepted) != _bound(terms.requirements(units)):
        raise refuse(refusals.REQUIREMENTS)


def _bound(accepted: PaymentRequirements) -> tuple[object, ...]:
    """The terms that bind the money; a timeout of an older quote does no harm."""
    token = (accepted.extra.get("name"), accepted.extra.get("version"))
    return accepted.amount, accepted.asset.lower(), accepted.pay_to.lower(), token


def _check_transfer(authorization: Authorization, terms: Terms, units: int) -> None:
    if authorization.to != terms.pay_to.lower():
        raise refuse(refusals.RECIPIENT)
    if authorization.value != units:
        raise refuse(refusals.VALUE)


def _check_window(authorization: Authorization, now: float) -> None:
    if authorization.valid_before <= now:
        raise refuse(refusals.VALID_BEFORE)
    if authorization.valid_after >= now:
        raise refuse(refusals.VALID_AFTER)


def _check_deadline(authorization: Authorization, now: float, min_validity_s: float) -> None:
    if authorization.valid_before < now + min_validity_s:
        raise DeadlineUnreachable(
            f"The payment is valid for less than the {min_validity_s:.0f} seconds that work and settlement may take."
            " Nothing was charged; sign a payment that is valid longer."
        )
