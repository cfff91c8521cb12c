import pytest

from api.pricing import PATH
from tests.api.storefront import Storefront

ASK = {"Origin": "https://storefront.example", "Access-Control-Request-Method": "POST"}


async def test_any_origin_may_ask(storefront: Storefront) -> None:
    headers = {**ASK, "Access-Control-Request-Headers": "x-payment, content-type"}
    answer = await storefront.client.options(PATH, headers=headers)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert answer.headers["Access-Control-Allow-Headers"] == "x-payment, content-type"


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Access-Control-Request-Private-Network": "true"}, "private-network"),
        ({"Access-Control-Request-Method": "FOO"}, "method"),
    ],
)
async def test_a_preflight_that_is_refused_gets_a_problem(
    storefront: Storefront, headers: dict[str, str], says: str
) -> None:
    answer = await storefront.client.options(PATH, headers={**ASK, **headers})
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (400, 400, "bad_request")
    assert says in problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
