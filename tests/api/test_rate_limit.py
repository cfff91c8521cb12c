import asyncio
from pathlib import Path

import pytest
from limits.aio.storage import MemoryStorage

from api.rate_limit import UnpaidLimit
from errors import RateLimited
from storage import Database, SqlRateLimits, migrate
from tests.api.shop import Shop, open_shop, picture
from tests.fakes.rails import Outcome


class SlowStorage(MemoryStorage):
    """A store that hangs."""

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Too late."""
        await asyncio.sleep(60)
        return 0


async def test_the_thirty_first_unpaid_answer_of_a_minute_is_a_429(shop: Shop) -> None:
    answers = [await shop.post() for _ in range(31)]
    assert [answer.status_code for answer in answers] == [402] * 30 + [429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers[:3]] == ["r=29", "r=28", "r=27"]
    refused = answers[-1]
    assert refused.headers["RateLimit-Policy"] == '"unpaid";q=30;w=60'
    assert refused.headers["RateLimit"] == f'"unpaid";r=0;t={refused.headers["Retry-After"]}'
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert (refused.json()["retryable"], refused.json()["charged"]) == (True, False)
    assert "WWW-Authenticate" not in refused.headers


async def test_every_kind_of_unpaid_answer_counts(tmp_path: Path) -> None:
    async with open_shop(tmp_path, per_minute=6) as shop:
        shop.rail.verifying = [Outcome.REFUSED]
        answers = [
            await shop.post(),
            await shop.post(b"no picture"),
            await shop.post(picture(), Content_Type="image/gif"),
            await shop.post(picture(), Content_Length="99000000"),
            await shop.post(picture(), X_PAYMENT="button"),
            await shop.post(picture(), coin="coin-1"),
            await shop.post(),
        ]
    assert [answer.status_code for answer in answers] == [402, 400, 415, 413, 400, 402, 429]


async def test_paid_answers_and_faults_of_ours_count_nothing(tmp_path: Path) -> None:
    async with open_shop(tmp_path, per_minute=1) as shop:
        for number in range(3):
            assert (await shop.post(picture(), coin=f"coin-{number}")).status_code == 200
        assert (await shop.post(picture("PNG"), coin="coin-0")).status_code == 409
        shop.rail.verifying = [Outcome.OUT]
        answer = await shop.post(picture(), coin="coin-9")
        assert (answer.status_code, "RateLimit" in answer.headers) == (503, False)
        assert (await shop.post()).status_code == 402


async def test_who_has_used_up_the_quotes_can_still_pay_for_the_last_one(tmp_path: Path) -> None:
    async with open_shop(tmp_path, per_minute=2) as shop:
        assert [(await shop.post()).status_code for _ in range(3)] == [402, 402, 429]
        assert (await shop.post(picture(), coin="coin-1")).status_code == 200


async def test_worthless_payments_over_the_limit_are_429_and_soon_not_even_looked_at(tmp_path: Path) -> None:
    async with open_shop(tmp_path, per_minute=2) as shop:
        shop.rail.verifying = [Outcome.REFUSED] * 6
        answers = [await shop.post(picture(), coin=f"coin-{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [402, 402, 429, 429, 429, 429]
    assert shop.rail.called("verify") == 4


async def test_documents_and_health_are_never_limited(tmp_path: Path) -> None:
    async with open_shop(tmp_path, per_minute=1) as shop:
        await shop.post()
        for path in ("/openapi.json", "/llms.txt", "/healthz", "/readyz", "/"):
            assert [(await shop.client.get(path)).status_code for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("unknown", "unknown", True),
    ],
)
async def test_an_address_is_an_ipv4_address_or_an_ipv6_network_of_64_bits(one: str, other: str, same: bool) -> None:
    limit = UnpaidLimit(MemoryStorage())
    await limit.hit(one)
    usage = await limit.hit(other)
    assert usage is not None
    assert usage.count == (2 if same else 1)


async def test_without_its_database_the_limit_lets_everybody_pass(tmp_path: Path) -> None:
    async with (
        Database(f"sqlite+aiosqlite:///{tmp_path}/no/such/directory/ledger.sqlite3") as gone,
        open_shop(tmp_path, storage=SqlRateLimits(gone), per_minute=1) as shop,
    ):
        answers = [await shop.post() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [402, 402, 402]
        assert "RateLimit" not in answers[0].headers
        assert (await shop.post(picture(), coin="coin-1")).status_code == 200


async def test_a_store_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    async with open_shop(tmp_path, storage=SlowStorage()) as shop:
        answer = await shop.post()
    assert answer.status_code == 402


async def test_workers_count_together_in_the_database(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/ledger.sqlite3"
    await migrate(url)
    async with Database(url) as here, Database(url) as there:
        one, other = (UnpaidLimit(SqlRateLimits(database), per_minute=2) for database in (here, there))
        counted = [await limit.hit("192.0.2.1") for limit in (one, other, one)]
    assert [usage.count for usage in counted if usage] == [1, 2, 3]
    with pytest.raises(RateLimited):
        one.refuse("192.0.2.1", at=2)
    one.refuse("192.0.2.2", at=2)
