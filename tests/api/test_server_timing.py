from tests.api.storefront import Storefront, picture


async def test_a_paid_answer_times_the_picture_and_the_payment(storefront: Storefront) -> None:
    answer = await storefront.post(picture(), coin="coin-1")
    stages = dict(stage.split(";dur=") for stage in answer.headers["Server-Timing"].split(", "))
    assert {"verify", "decode", "infer", "settle"} <= stages.keys()
    assert all(float(milliseconds) >= 0 for milliseconds in stages.values())


async def test_requests_at_the_same_time_keep_their_stages_apart(storefront: Storefront) -> None:
    one = await storefront.post(picture(), coin="coin-1")
    again = await storefront.post(picture(), coin="coin-1")
    assert "settle" in one.headers["Server-Timing"]
    assert "settle" not in again.headers["Server-Timing"]
