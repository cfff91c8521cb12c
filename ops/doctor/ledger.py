"""The ledger's database, its clock and its disk; and Redis."""

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
"""Between this host's clock and the database's: beyond it one of them is wrong."""


async def examine_ledger(settings: Settings) -> list[Finding]:
    """Whether it answers, holds a ledger of this version, and has room and the right time."""
    url = settings.ledger_url()
    place = Database(url).place
    try:
        found = await examine(url)
    except LedgerUnavailable as error:
        return [fault("ledger", f"{place}: {error.detail}", _remedy(url), "database_url")]
    return [_tables(found, place), _clock(found.time), *_room(url, place)]


def _remedy(url: str) -> str:
    if url.startswith("sqlite"):
        return "On the first start the service makes it. Else put the file back or restore a copy before any start."
    return "Is the server up, reachable from this host, and are user and password right?"


def _tables(found: Examination, place: str) -> Finding:
    if found.revision is None or found.identity is None:
        return fault("ledger", f"{place} has no tables.", "python -m deploy.migrate; the service does it at its start.")
    says = f"{place} holds ledger {found.identity}, revision {found.revision}."
    if found.is_newer:
        return warning("ledger", says, f"This code is older (revision {found.head}): update it.")
    if found.revision != found.head:
        remedy = f"python -m deploy.migrate brings it to revision {found.head}; the service does it at its start."
        return fault("ledger", says, remedy)
    return good("ledger", says)


def _clock(database: float) -> Finding:
    apart = time.time() - database
    says = f"This host's clock is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the database's."
    if abs(apart) <= MAX_APART_S:
        return good("clock", says)
    return fault("clock", says, "Set the clocks of both hosts by a time service (chrony, systemd-timesyncd).")


def _room(url: str, place: str) -> list[Finding]:
    if not url.startswith("sqlite"):
        return []
    free = shutil.disk_usage(Path(place).parent).free
    says = f"{free / 1e9:.1f} GB are free where the ledger is."
    if free >= LOW_BYTES:
        return [good("disk", says)]
    return [warning("disk", says, "Make room: nothing is sold when a payment cannot be written.")]


async def examine_redis(settings: Settings) -> list[Finding]:
    """Whether the rate limits can be counted in Redis, where it is used."""
    url = reveal(settings.rate_limit.redis_url)
    if url is None:
        return [good("rate limits", "Counted in the ledger's database.")]
    redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
    host = urlsplit(url).hostname
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        remedy = "Is it up, reachable from this host, and is the password right? Meanwhile no limit applies."
        says = f"Redis at {host} does not answer ({type(error).__name__})."
        return [fault("rate limits", says, remedy, "rate_limit.redis_url")]
    finally:
        await redis.aclose()
    return [good("rate limits", f"Redis at {host} answers.")]
