"""Reason codes: spelled as the SDK spells them, and only definite ones are refusals."""

import pytest
from x402.mechanisms.evm import constants

from payments.x402 import refusals
from payments.x402.refusals import SENTENCES, refusal


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (refusals.RECIPIENT, constants.ERR_RECIPIENT_MISMATCH),
        (refusals.VALUE, constants.ERR_AUTHORIZATION_VALUE_MISMATCH),
        (refusals.VALID_BEFORE, constants.ERR_VALID_BEFORE_EXPIRED),
        (refusals.VALID_AFTER, constants.ERR_VALID_AFTER_FUTURE),
        (refusals.SIGNATURE, constants.ERR_INVALID_SIGNATURE),
        (refusals.SIGNATURE, constants.ERR_FAILED_TO_VERIFY_SIGNATURE),
        (refusals.INSUFFICIENT_FUNDS, constants.ERR_INSUFFICIENT_BALANCE),
        (refusals.NONCE_USED, constants.ERR_NONCE_ALREADY_USED),
        (refusals.UNDEPLOYED_WALLET, constants.ERR_UNDEPLOYED_SMART_WALLET),
        (refusals.FACTORY, constants.ERR_FACTORY_NOT_ALLOWED),
        (refusals.SIMULATION, constants.ERR_TRANSACTION_SIMULATION_FAILED),
    ],
)
def test_the_sdks_codes_are_known(ours: str, theirs: str) -> None:
    refused = refusal(theirs)
    assert refused is not None
    assert refused.reason == ours
    assert refused.detail == SENTENCES[ours]


@pytest.mark.parametrize(
    "code",
    [
        None,
        "",
        "a code of tomorrow",
        constants.ERR_SETTLEMENT_PENDING,
        constants.ERR_TRANSACTION_FAILED,
        constants.ERR_ASSET_NOT_DEPLOYED_CONTRACT,
        constants.ERR_MISSING_EIP712_DOMAIN,
        "unexpected_verify_error",
        "unexpected_settle_error",
    ],
)
def test_what_proves_nothing_is_no_refusal(code: str | None) -> None:
    assert refusal(code) is None


def test_a_facilitator_may_have_more_unclear_codes() -> None:
    assert refusal(refusals.SIMULATION, unclear=frozenset({refusals.SIMULATION})) is None
