"""What an answer that sells nothing has to be: a problem with every member, no receipt, and a quote with every 402."""

import httpx
import mpp
from x402.http.utils import decode_payment_required_header, decode_payment_response_header
from x402.schemas import PaymentRequired
from x402.schemas.v1 import PaymentRequiredV1

from sandbox.chains import TempoChain
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import RECEIPT_HEADER

MEMBERS = {
    "type": str,
    "title": str,
    "status": int,
    "detail": str,
    "code": str,
    "retry_action": str,
    "retryable": bool,
    "request_id": str,
}
QUOTE = {"payment-required", "www-authenticate"}


def assert_refused(
    answer: httpx.Response,
    status: int,
    code: str,
    *,
    reason: str | None = None,
    retryable: bool = False,
    charged: bool | None = False,
) -> None:
    """The whole form of a refusal; a 402 quotes on both rails, and nothing else does.

    Args:
        charged: None where the answer must not say it, because the payment that came cannot be read.
    """
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    problem = answer.json()
    assert {name: type(problem.get(name)) for name in MEMBERS} == MEMBERS
    assert (problem["status"], problem["code"], problem.get("reason")) == (status, code, reason)
    assert (problem["retryable"], problem.get("charged")) == (retryable, charged)
    assert ("payment_state" in problem) == (charged is not None)
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert_no_receipt(answer)
    if status == 402:
        assert_quoted(answer)
    else:
        assert not QUOTE & set(answer.headers)


def assert_no_receipt(answer: httpx.Response) -> None:
    """Where x402's clients look for a receipt they may find that their payment failed; MPP's clients find nothing."""
    assert RECEIPT_HEADER["mpp"] not in answer.headers
    for way in ("x402 v1", "x402 v2"):
        if RECEIPT_HEADER[way] in answer.headers:
            failed = decode_payment_response_header(answer.headers[RECEIPT_HEADER[way]])
            assert (failed.success, failed.transaction) == (False, "")
            assert answer.status_code == 402


def assert_quoted(answer: httpx.Response) -> None:
    """One answer that the clients of x402 v1, x402 v2 and MPP understand, each in its own way."""
    body = answer.json()
    v1 = PaymentRequiredV1.model_validate(body)
    assert [(each.network, each.max_amount_required) for each in v1.accepts] == [("base-sepolia", str(PRICE))]
    assert None not in [*body.values(), *body["accepts"][0].values()]

    v2 = decode_payment_required_header(answer.headers["PAYMENT-REQUIRED"])
    assert isinstance(v2, PaymentRequired)
    assert [(each.network, each.amount) for each in v2.accepts] == [("eip155:84532", str(PRICE))]

    coins = [mpp.Challenge.from_www_authenticate(field) for field in answer.headers.get_list("WWW-Authenticate")]
    assert [each.request["currency"] for each in coins] == [TempoChain.token, TempoChain.second_token]
    assert {each.request["amount"] for each in coins} == {str(PRICE)}
    assert coins[0].id == body["challengeId"]
