import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.api.storefront import Storefront


async def test_a_sane_id_of_the_caller_is_kept(storefront: Storefront) -> None:
    answer = await storefront.post(X_Request_Id="order-4711.a_B")
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "order-4711.a_B"


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "a;b", "<script>"])
async def test_any_other_is_replaced(storefront: Storefront, given: str) -> None:
    answer = await storefront.post(X_Request_Id=given)
    made = answer.headers["X-Request-Id"]
    assert made != given
    assert len(made) == 32
    assert int(made, 16)


async def test_every_request_gets_an_id_of_its_own(storefront: Storefront) -> None:
    answers = [await storefront.client.get("/healthz") for _ in range(2)]
    assert answers[0].headers["X-Request-Id"] != answers[1].headers["X-Request-Id"]


async def test_log_lines_carry_the_id(storefront: Storefront) -> None:
    with capture_logs(processors=[merge_contextvars]) as logs:
        await storefront.post(X_Request_Id="r1")
    assert {line["request_id"] for line in logs} == {"r1"}
