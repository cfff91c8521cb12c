"""A facilitator service at verification: its outages are 503, its refusals 402, because no money can have moved."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from errors import PaymentOutcomeUnknown, PaymentRejected, PaymentSpentElsewhere, RailUnavailable
from payments.order import Order
from payments.x402.http_facilitator import FAILURES
from payments.x402.rail import X402Rail
from sandbox.accounts import STRANGER
from tests.contracts.rail_contract import NOBODY
from tests.fakes.facilitator import BAD_ANSWERS, Facilitator, Mode
from tests.fakes.serving import serving
from tests.loop_time import loop_time
from tests.payments.x402.buyer import X402Buyer, bought
from tests.payments.x402.conftest import RailBuilder


@pytest.mark.parametrize("mode", ["hang", *BAD_ANSWERS])
async def test_verification_calls_an_outage_an_outage(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, mode: Mode
) -> None:
    """However long, slow, compressed or ill-typed the answer is: in time, and without a verdict."""
    credential = await bought(rail, buyer, order)
    facilitator.mode, facilitator.elsewhere = mode, NOBODY
    async with loop_time() as passed:
        with pytest.raises(RailUnavailable) as outage:
            await rail.bind(credential).verify(order)
    assert passed.seconds < 1.5
    assert "KEY" not in str(outage.value)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("insufficient_balance", "insufficient_funds"),
        ("insufficient_funds", "insufficient_funds"),
        ("invalid_payload", "invalid_payload"),
        ("invalid_exact_evm_insufficient_balance", "insufficient_funds"),
        ("kyt_risk_detected", "kyt_risk_detected"),
        ("<script>", "rejected_by_facilitator"),
        ("sk_live_51H8", "rejected_by_facilitator"),
        ("a" * 60 + "_code", "rejected_by_facilitator"),
        ("", "rejected_by_facilitator"),
    ],
)
async def test_a_refusal_at_verification_is_a_refusal(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, code: str, reason: str
) -> None:
    """With the status 400 as with 200, and with a code that nobody knows: the buyer is told, and may pay otherwise."""
    credential = await bought(rail, buyer, order)
    facilitator.mode, facilitator.reason = "bad_request", code
    with pytest.raises(PaymentRejected) as refusal:
        await rail.bind(credential).verify(order)
    assert refusal.value.reason == reason


async def test_a_bad_request_without_words_is_a_refusal(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    credential = await bought(rail, buyer, order)
    facilitator.mode = "html_400"
    with pytest.raises(PaymentRejected) as refusal:
        await rail.bind(credential).verify(order)
    assert refusal.value.reason == "invalid_payload"


@pytest.mark.parametrize("code", ["unexpected_verify_error", "unexpected_error", "settlement_pending"])
async def test_a_service_that_says_it_failed_has_judged_nothing(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, code: str
) -> None:
    credential = await bought(rail, buyer, order)
    facilitator.mode, facilitator.reason = "bad_request", code
    with pytest.raises(RailUnavailable):
        await rail.bind(credential).verify(order)


UNCLEAR = ["invalid_exact_evm_transaction_simulation_failed", "invalid_exact_evm_failed_to_verify_signature"]


@pytest.mark.parametrize("code", UNCLEAR)
async def test_what_can_mean_a_lost_chain_is_tried_on_our_own(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, code: str
) -> None:
    """The SDK's facilitator says so in an outage, and of payments that the token refuses: our node tells which."""
    good = await bought(rail, buyer, order)
    unfunded = await bought(rail, buyer, order, "unfunded")
    facilitator.mode, facilitator.reason = "bad_request", code
    with pytest.raises(RailUnavailable):
        await rail.bind(good).verify(order)
    with pytest.raises(PaymentRejected) as refusal:
        await rail.bind(unfunded).verify(order)
    assert refusal.value.reason == "insufficient_funds"


async def test_a_facilitator_that_lost_its_chain_does_not_make_a_payment_bad(
    new_rail: RailBuilder, buyer: X402Buyer, order: Order
) -> None:
    """The SDK's facilitator answers a bad signature then."""
    facilitator = Facilitator(rpc_url=NOBODY, key=STRANGER.key, network="eip155:84532")
    with serving(facilitator.app()) as url:
        rail = new_rail(facilitator_url=url, settlement_key=None)
        with pytest.raises(RailUnavailable):
            await rail.bind(await bought(rail, buyer, order)).verify(order)


@pytest.mark.parametrize("only", ["verify", "settle"])
async def test_follows_no_redirect(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, only: str
) -> None:
    """Neither the payment nor our credentials go where an answer points."""
    asked: list[str] = []

    async def answer(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse({"isValid": True})

    trap = Starlette(routes=[Route("/{verb}", answer, methods=["POST"])])
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    with serving(trap) as url:
        facilitator.mode, facilitator.only, facilitator.elsewhere = "redirect", only, url
        with pytest.raises((RailUnavailable, PaymentOutcomeUnknown)):
            await (rail.bind(credential).verify(order) if only == "verify" else rail.bind(credential).settle(payment))
    assert asked == []


async def test_a_spent_payment_is_not_worked_for_on_the_word_of_the_service(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    credential = await bought(rail, buyer, order)
    await rail.bind(credential).settle(await rail.bind(credential).verify(order))
    facilitator.mode = "says_yes"
    with pytest.raises(PaymentSpentElsewhere):
        await rail.bind(credential).verify(order)


async def test_says_that_a_facilitator_is_out(new_rail: RailBuilder) -> None:
    rail = new_rail(facilitator_url=NOBODY, settlement_key=None)
    assert await rail.health() == "The payment facilitator does not respond."


@pytest.mark.parametrize("mode", ["huge", "bomb", "types", "redirect"])
async def test_a_facilitator_that_answers_nonsense_is_out(rail: X402Rail, facilitator: Facilitator, mode: Mode) -> None:
    facilitator.mode, facilitator.elsewhere = mode, NOBODY
    assert await rail.health() == "The payment facilitator does not respond."


async def test_says_that_a_facilitator_settles_elsewhere(
    new_rail: RailBuilder, facilitator: Facilitator, rpc_url: str
) -> None:
    elsewhere = Facilitator(rpc_url=rpc_url, key=STRANGER.key, network="eip155:8453")
    with serving(elsewhere.app()) as url:
        rail = new_rail(facilitator_url=url, settlement_key=None)
        assert await rail.health() == "The payment facilitator does not settle on eip155:84532."


def test_every_error_of_httpx_is_mapped() -> None:
    """Whatever a new version adds: its errors hold the URL."""
    errors = {error for error in vars(httpx).values() if isinstance(error, type) and issubclass(error, Exception)}
    errors -= {httpx.CookieConflict}  # of whoever reads cookies
    assert {error for error in errors if not issubclass(error, FAILURES)} == set()
