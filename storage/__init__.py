"""The only memory that outlives a request: ledger, outbox, locks and rate counters, on SQLite or PostgreSQL."""

from storage.books import SqlBooks
from storage.database import Database
from storage.ledger import SqlLedger
from storage.lock import SqlLock
from storage.migrations import migrate
from storage.outbox import SqlOutbox
from storage.rate_limits import SqlRateLimits
from storage.records import Earned, Record, SqlRecords, Standing, Wanted
from storage.settled import SqlSettled
from storage.states import SqlStates

__all__ = [
    "Database",
    "Earned",
    "Record",
    "SqlBooks",
    "SqlLedger",
    "SqlLock",
    "SqlOutbox",
    "SqlRateLimits",
    "SqlRecords",
    "SqlSettled",
    "SqlStates",
    "Standing",
    "Wanted",
    "migrate",
]
