import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.api.shop import Shop


async def test_a_sane_id_of_the_caller_is_kept(shop: Shop) -> None:
    answer = await shop.post(X_Request_Id="order-4711.a_B")
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "order-4711.a_B"


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "a;b", "<script>"])
async def test_any_other_is_replaced(shop: Shop, given: str) -> None:
    answer = await shop.post(X_Request_Id=given)
    made = answer.headers["X-Request-Id"]
    assert made != given
    assert len(made) == 32
    assert int(made, 16)


async def test_every_request_gets_an_id_of_its_own(shop: Shop) -> None:
    answers = [await shop.client.get("/healthz") for _ in range(2)]
    assert answers[0].headers["X-Request-Id"] != answers[1].headers["X-Request-Id"]


async def test_log_lines_carry_the_id(shop: Shop) -> None:
    with capture_logs(processors=[merge_contextvars]) as logs:
        await shop.post(X_Request_Id="r1")
    assert {line["request_id"] for line in logs} == {"r1"}
