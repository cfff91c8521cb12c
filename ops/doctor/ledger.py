"""Checks the ledger's database, its clock and disk, and Redis."""

import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from config import Settings
from errors import LedgerUnavailable
from payments import Finding, fault, good, warning
from settings_types import reveal
from storage import Database, Examination, examine

LOW_BYTES = 1_000_000_000
MAX_APART_S = 15.0
"""Largest accepted difference between this host's clock and the database's."""


async def examine_ledger(settings: Settings) -> list[Finding]:
    """Whether the database answers, holds a ledger of this version, and has free space and the correct time."""
    url = settings.ledger_url()
    place = Database(url).place
    try:
        found = await examine(url)
    except LedgerUnavailable as error:
        return [fault("ledger", f"{place}: {error.detail}", _remedy(url), "database_url")]
    return [_tables(found, place), _clock(found.time), *_room(url, place)]


def _remedy(url: str) -> str:
    if url.startswith("sqlite"):
        return "The first start of the service creates it. If it was lost, restore the file or a copy before any start."
    return "Check that the server runs, that this host can reach it, and that user and password are correct."


def _tables(found: Examination, place: str) -> Finding:
    if found.revision is None or found.identity is None:
        return fault(
            "ledger", f"{place} has no tables.", "python -m deploy.migrate; the service also does it at start."
        )
    says = f"{place} holds ledger {found.identity}, revision {found.revision}."
    if found.is_newer:
        return warning("ledger", says, f"This code is older (revision {found.head}). Update it.")
    if found.revision != found.head:
        remedy = f"python -m deploy.migrate migrates it to revision {found.head}; the service also does it at start."
        return fault("ledger", says, remedy)
    return good("ledger", says)


def _clock(database: float) -> Finding:
    apart = time.time() - database
    says = f"This host's clock is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the database's."
    if abs(apart) <= MAX_APART_S:
        return good("clock", says)
    return fault("clock", says, "Synchronize the clocks of both hosts (chrony, systemd-timesyncd).")


def _room(url: str, place: str) -> list[Finding]:
    if not url.startswith("sqlite"):
        return []
    free = shutil.disk_usage(Path(place).parent).free
    says = f"{free / 1e9:.1f} GB are free on the ledger's disk."
    if free >= LOW_BYTES:
        return [good("disk", says)]
    return [warning("disk", says, "Free disk space: the service cannot sell if it cannot record a payment.")]


async def examine_redis(settings: Settings) -> list[Finding]:
    """Whether Redis answers, if it counts the rate limits."""
    url = reveal(settings.rate_limit.redis_url)
    if url is None:
        return [good("rate limits", "The ledger's database counts them.")]
    redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
    host = urlsplit(url).hostname
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        remedy = "Check that it runs, that this host can reach it, and the password. Until then no rate limit applies."
        says = f"Redis at {host} does not answer ({type(error).__name__})."
        return [fault("rate limits", says, remedy, "rate_limit.redis_url")]
    finally:
        await redis.aclose()
    return [good("rate limits", f"Redis at {host} answers.")]
