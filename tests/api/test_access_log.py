from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from api.pricing import PATH
from tests.api.storefront import Storefront, picture


def count(route: str, method: str, status: int) -> float:
    """Requests counted so far."""
    labels = {"route": route, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("clearcanvas_requests_total", labels) or 0


async def test_a_line_tells_what_was_answered_and_nothing_of_what_was_sent(storefront: Storefront) -> None:
    with capture_logs() as logs:
        await storefront.post(
            picture(), X_PAYMENT="marked", query="?marked=1", X_Other="marked", Authorization="marked"
        )
        await storefront.client.get("/marked?marked=1")
    lines = [line for line in logs if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"], line["code"]) for line in lines] == [
        ("POST", PATH, 400, "bad_request"),
        ("GET", "unknown", 404, "not_found"),
    ]
    assert all(line["seconds"] >= 0 for line in lines)
    assert "marked" not in str(logs)
    assert "203.0.113.7" not in str(logs)


async def test_unknown_paths_and_methods_share_one_label(storefront: Storefront) -> None:
    """Strangers cannot make the metrics grow."""
    before = count("unknown", "GET", 404), count(PATH, "other", 405)
    for number in range(3):
        await storefront.client.get(f"/nope/{number}")
        await storefront.client.request(f"M{number}", PATH)
    assert (count("unknown", "GET", 404), count(PATH, "other", 405)) == (before[0] + 3, before[1] + 3)


def answers(route: str, rail: str, status: int) -> float:
    """Answers whose time was taken so far."""
    labels = {"route": route, "rail": rail, "status": str(status)}
    return REGISTRY.get_sample_value("clearcanvas_answer_seconds_count", labels) or 0


async def test_the_time_of_answers_is_taken_by_rail_and_status(storefront: Storefront) -> None:
    rail = storefront.rail
    before = answers(PATH, "none", 402), answers(PATH, rail.name, 200), answers("/livez", "none", 200)
    await storefront.post(picture())
    await storefront.post(picture(), coin="timed")
    await storefront.client.get("/livez")
    now = answers(PATH, "none", 402), answers(PATH, rail.name, 200), answers("/livez", "none", 200)
    assert now == (before[0] + 1, before[1] + 1, before[2])  # what is polled is not worth a histogram
