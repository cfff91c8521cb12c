"""All persistent state: ledger, outbox, locks and rate-limit counters, on SQLite or PostgreSQL.

What other packages use is listed here; they import nothing from the modules below.
"""

from storage.backup import BackupError, back_up, restore
from storage.books import SqlBooks
from storage.database import Database
from storage.examination import Examination, examine
from storage.ledger import SqlLedger
from storage.lock import SqlLock
from storage.migrations import migrate
from storage.outbox import SqlOutbox
from storage.rate_limits import SqlRateLimits
from storage.records import DAY_S, Earned, Record, RecordState, SqlRecords, Wanted
from storage.refunds import SqlRefunds
from storage.settled import SqlSettled
from storage.states import SqlStates

__all__ = [
    "DAY_S",
    "BackupError",
    "Database",
    "Earned",
    "Examination",
    "Record",
    "RecordState",
    "SqlBooks",
    "SqlLedger",
    "SqlLock",
    "SqlOutbox",
    "SqlRateLimits",
    "SqlRecords",
    "SqlRefunds",
    "SqlSettled",
    "SqlStates",
    "Wanted",
    "back_up",
    "examine",
    "migrate",
    "restore",
]
