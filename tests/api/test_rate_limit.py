import asyncio
from pathlib import Path
from typing import Any

import pytest
from limits.aio.storage import MemoryStorage

from api.addresses import network
from api.rate_limit import WORKED_FOR, Counter, RateLimits
from storage import Database, SqlRateLimits, migrate
from tests.api.storefront import Storefront, open_storefront, picture
from tests.fakes.rails import Outcome


class SlowStorage(MemoryStorage):
    """A store that hangs."""

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Too late."""
        await asyncio.sleep(60)
        return 0


async def test_the_thirty_first_unpaid_answer_of_a_minute_is_a_429(storefront: Storefront) -> None:
    answers = [await storefront.post() for _ in range(31)]
    assert [answer.status_code for answer in answers] == [402] * 30 + [429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers[:3]] == ["r=29", "r=28", "r=27"]
    refused = answers[-1]
    assert refused.headers["RateLimit-Policy"] == '"unpaid";q=30;w=60'
    assert refused.headers["RateLimit"] == f'"unpaid";r=0;t={refused.headers["Retry-After"]}'
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert (refused.json()["retryable"], refused.json()["charged"]) == (True, False)
    assert "WWW-Authenticate" not in refused.headers


async def test_every_kind_of_unpaid_answer_counts(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, per_minute=5) as storefront:
        answers = [
            await storefront.post(),
            await storefront.post(b"no picture"),
            await storefront.post(picture(), Content_Type="image/gif"),
            await storefront.post(picture(), Content_Length="99000000"),
            await storefront.post(picture(), X_PAYMENT="button"),
            await storefront.post(),
        ]
    assert [answer.status_code for answer in answers] == [402, 400, 415, 413, 400, 429]


async def test_paid_answers_and_faults_of_ours_count_nothing(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, per_minute=1) as storefront:
        for number in range(3):
            assert (await storefront.post(picture(), coin=f"coin-{number}")).status_code == 200
            assert (await storefront.post(picture(), coin=f"coin-{number}")).headers["Idempotent-Replayed"] == "true"
        storefront.rail.verifying = [Outcome.OUT]
        answer = await storefront.post(picture(), coin="coin-9")
        assert (answer.status_code, "RateLimit" in answer.headers) == (503, False)
        assert (await storefront.post()).status_code == 402


async def test_who_has_used_up_the_quotes_can_still_pay_for_the_last_one(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, per_minute=2) as storefront:
        assert [(await storefront.post()).status_code for _ in range(3)] == [402, 402, 429]
        assert (await storefront.post(picture(), coin="coin-1")).status_code == 200


async def test_unreadable_payments_of_an_address_hold_up_no_payment_of_its_neighbours(tmp_path: Path) -> None:
    """Behind one NAT, or a proxy that nobody declared, many buyers have one address."""
    async with open_storefront(tmp_path, per_minute=30) as storefront:
        rubbish = [(await storefront.post(picture(), X_PAYMENT="rubbish")).status_code for _ in range(200)]
        assert rubbish == [400] * 30 + [429] * 170
        assert (await storefront.post(picture(), coin="coin-1", signature="by-somebody")).status_code == 200


async def test_payments_in_a_stranger_s_name_hold_up_none_that_is_proven(tmp_path: Path) -> None:
    """They fill half of the address's allowance: then they are not looked at any more."""
    async with open_storefront(tmp_path, per_minute=5) as storefront:
        storefront.rail.verifying = [Outcome.REFUSED] * 100
        claimed = [await storefront.post(picture(), coin=f"coin-{number}", signature="claimed") for number in range(30)]
        assert [answer.status_code for answer in claimed] == [402] * 10 + [429] * 20
        assert storefront.rail.called("verify") == 10
        storefront.rail.verifying.clear()
        assert (await storefront.post(picture(), coin="coin", signature="claimed")).status_code == 429
        assert (await storefront.post(picture(), coin="coin", signature="by-somebody")).status_code == 200


async def test_a_payer_whose_payments_are_worthless_is_soon_not_even_looked_at(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, per_minute=3) as storefront:
        storefront.rail.verifying = [Outcome.REFUSED] * 9
        answers = [
            await storefront.post(picture(), coin=f"coin-{number}", signature="by-beggar") for number in range(9)
        ]
        assert [answer.status_code for answer in answers] == [402] * 3 + [429] * 6
        assert [answer.headers["RateLimit-Policy"] for answer in answers] == ['"payer";q=3;w=60'] * 9
        assert storefront.rail.called("verify") == 3
        storefront.rail.verifying.clear()
        assert (await storefront.post(picture(), coin="coin", signature="by-somebody")).status_code == 200
        assert (await storefront.post()).status_code == 402, "quotes are counted apart"


async def test_a_new_payer_each_time_is_bounded_by_the_address(tmp_path: Path) -> None:
    """A payment without funds costs its sender a signature, and us a call to the chain."""
    async with open_storefront(tmp_path, per_minute=5) as storefront:
        assert (await storefront.post(picture(), coin="coin", signature="by-regular")).status_code == 200
        storefront.rail.verifying = [Outcome.REFUSED] * 100
        answers = [await storefront.post(picture(), coin=f"coin-{n}", signature=f"by-{n}") for n in range(40)]
        assert [answer.status_code for answer in answers] == [402] * 20 + [429] * 20
        storefront.rail.verifying.clear()
        assert (await storefront.post(picture(), coin="new", signature="by-newcomer")).status_code == 429
        assert (await storefront.post(picture(), coin="old", signature="by-regular")).status_code == 200, "paid before"


async def test_a_burst_is_bounded_before_its_first_answer_is_counted(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, per_minute=5) as storefront:
        storefront.rail.verifying = [Outcome.REFUSED] * 100
        storefront.rail.may_verify.clear()
        burst = [
            asyncio.create_task(storefront.post(picture(), coin=f"coin-{n}", signature=f"by-{n}")) for n in range(60)
        ]
        await asyncio.sleep(0.5)
        storefront.rail.may_verify.set()
        answers = [answer.status_code for answer in await asyncio.gather(*burst)]
        assert (answers.count(402), answers.count(429)) == (20, 40)
        assert storefront.rail.called("verify") == 20


OUTCOMES: dict[str, tuple[dict[str, Any], int, int]] = {
    "refused": ({"verifying": [Outcome.REFUSED]}, 402, 1),
    "too late": ({"verifying": [Outcome.TOO_LATE]}, 402, 1),
    "no funds left": ({"funds": 0}, 409, 1),
    "the chain is out": ({"verifying": [Outcome.OUT]}, 503, 0),
    "worked for and refused": ({"settling": [Outcome.REFUSED]}, 402, WORKED_FOR),
    "worked for and too late": ({"settling": [Outcome.TOO_LATE]}, 402, WORKED_FOR),
    "worked for and in doubt": ({"settling": [Outcome.UNSENT]}, 503, WORKED_FOR),
    "settled": ({}, 200, 0),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_payment_counts_by_what_became_of_it(tmp_path: Path, outcome: str) -> None:
    script, status, counted = OUTCOMES[outcome]
    limits = RateLimits(MemoryStorage())
    async with open_storefront(tmp_path, rate_limits=limits) as storefront:
        for name, value in script.items():
            setattr(storefront.rail, name, value)
        answer = await storefront.post(picture(), coin="coin", signature="by-payer")
    assert answer.status_code == status, answer.text
    of_each = limits.payer.used("payer").count, limits.payments.used("203.0.113.7").count
    assert of_each == (counted, counted)
    assert limits.unpaid.used("203.0.113.7").count == 0


@pytest.mark.parametrize(
    ("request_", "status", "counted"),
    [
        ({"body": b"no picture"}, 400, 1),
        ({"query": "?format=gif"}, 400, 1),
        ({"Content_Type": "image/gif"}, 415, 1),
        ({"Content_Length": "99000000"}, 413, 1),
    ],
)
async def test_bad_pictures_with_a_payment_count_for_its_payer(
    tmp_path: Path, request_: dict[str, Any], status: int, counted: int
) -> None:
    limits = RateLimits(MemoryStorage())
    async with open_storefront(tmp_path, rate_limits=limits) as storefront:
        answer = await storefront.post(**{"body": picture(), "coin": "coin", "signature": "by-payer", **request_})
    assert (answer.status_code, limits.payer.used("payer").count) == (status, counted)


async def test_a_doubt_is_not_held_against_a_payer_who_has_paid_before(tmp_path: Path) -> None:
    limits = RateLimits(MemoryStorage())
    async with open_storefront(tmp_path, rate_limits=limits) as storefront:
        storefront.rail.settling = [Outcome.WELL, Outcome.UNSENT, Outcome.REFUSED]
        answers = [await storefront.post(picture(), coin=f"coin-{n}", signature="by-payer") for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 503, 402]
    assert limits.payer.used("payer").count == 1 + WORKED_FOR


async def test_a_payment_in_doubt_counts_once_however_often_it_is_sent_again(tmp_path: Path) -> None:
    """One that is asked about again and again is only looked up."""
    limits = RateLimits(MemoryStorage())
    async with open_storefront(tmp_path, rate_limits=limits) as storefront:
        storefront.rail.settling, storefront.rail.finding = [Outcome.UNSENT], [Outcome.UNSENT] * 9
        answers = [await storefront.post(picture(), coin="coin", signature="by-payer") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503] * 4
    assert limits.payer.used("payer").count == WORKED_FOR


async def test_documents_and_health_are_never_limited(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, per_minute=1) as storefront:
        await storefront.post()
        for path in ("/openapi.json", "/llms.txt", "/healthz", "/readyz", "/"):
            assert [(await storefront.client.get(path)).status_code for _ in range(3)] == [200, 200, 200]


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
    assert (network(one) == network(other)) is same


async def test_without_its_database_the_limit_lets_everybody_pass(tmp_path: Path) -> None:
    async with (
        Database(f"sqlite+aiosqlite:///{tmp_path}/no/such/directory/ledger.sqlite3") as gone,
        open_storefront(tmp_path, storage=SqlRateLimits(gone), per_minute=1) as storefront,
    ):
        answers = [await storefront.post() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [402, 402, 402]
        assert "RateLimit" not in answers[0].headers
        assert (await storefront.post(picture(), coin="coin-1")).status_code == 200


async def test_a_store_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, storage=SlowStorage()) as storefront:
        answer = await storefront.post()
    assert answer.status_code == 402


async def test_workers_count_together_in_the_database(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/ledger.sqlite3"
    await migrate(url)
    async with Database(url) as here, Database(url) as there:
        one, other = (Counter(SqlRateLimits(database), "unpaid", 2) for database in (here, there))
        counted = [await limit.hit("192.0.2.1") for limit in (one, other, one)]
    assert [usage.count for usage in counted if usage] == [1, 2, 3]
    assert (one.used("192.0.2.1").count, one.used("192.0.2.2").count) == (3, 0)
