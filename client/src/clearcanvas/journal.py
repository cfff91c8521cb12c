"""Records every signed payment on disk before it is sent, and enforces the budget for all workers and runs.

One SQLite file. One transaction adds a payment, only if the budget covers it and no other payment for the same order is
open: two workers, or two programs with one journal, neither exceed the budget nor pay twice.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from clearcanvas.errors import BudgetExhausted, CannotBuy, InvalidSetting
from clearcanvas.money import dollars
from clearcanvas.payment import Entry, Payment, State

VERSION = 1
EXPIRY_MARGIN_S = 60
"""Clocks differ: a payment counts as expired this many seconds after `expires_at`."""
_LOCK_WAIT_S = 30.0
_PAYMENT = [field.name for field in fields(Payment)]
_OPEN = "state IN ('signed', 'received', 'delivered')"
_FIND = f'SELECT * FROM payments WHERE "order" = ? AND {_OPEN}'  # noqa: S608 - our own words
_SCHEMA = f"""
CREATE TABLE payments (
    number INTEGER PRIMARY KEY,
    "order" TEXT NOT NULL, rail TEXT NOT NULL, network TEXT NOT NULL, asset TEXT NOT NULL, payee TEXT NOT NULL,
    payer TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), header TEXT NOT NULL, value TEXT NOT NULL,
    signed_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('signed', 'received', 'delivered', 'unused', 'lost')),
    source TEXT NOT NULL, result_sha256 TEXT, result_path TEXT, receipt TEXT
);
CREATE UNIQUE INDEX one_open_payment ON payments ("order") WHERE {_OPEN};
PRAGMA user_version = {VERSION};
"""


class Journal:
    """A journal file, created if it does not exist; only its owner may read it.

    Args:
        clock: unix seconds, for tests.

    Raises:
        InvalidSetting: the file cannot be opened, or has another version.
        CannotBuy: every method that writes raises it too: the disk is full, or another program locks the file too long.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._turn = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA synchronous = EXTRA")  # a commit is on the disk, its directory included
            self._make_schema()
        except (OSError, sqlite3.Error) as error:
            raise InvalidSetting(f"The journal {path} cannot be opened: {error}.") from None

    def _make_schema(self) -> None:
        with self._transaction():
            [version] = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)
            elif version != VERSION:
                raise InvalidSetting(f"The journal {self.path} has version {version}; it must have version {VERSION}.")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def find(self, order: str) -> Entry | None:
        """The open payment for an order, the only one that is sent."""
        with self._turn:
            row = self._open_row(order)
        return _entry(row) if row else None

    def is_result(self, sha256: str) -> bool:
        """Whether this journal records a purchased file with this digest."""
        with self._turn:
            return self._db.execute("SELECT 1 FROM payments WHERE result_sha256 = ?", (sha256,)).fetchone() is not None

    def record(self, payment: Payment, source: str, budget: int) -> Entry:
        """Put a signed payment on disk; it may be sent after this returns. If another payment is open for the order,
        return that one; the caller must discard the new one.

        Args:
            budget: limit in base units for all payments of this journal together.

        Raises:
            BudgetExhausted: the payment would exceed the budget; it is not recorded.
        """
        values = {name: getattr(payment, name) for name in _PAYMENT} | {"state": State.SIGNED, "source": source}
        with self._transaction():
            row = self._open_row(payment.order)
            if row is None:
                self._require_room(payment.amount, budget)
                names = ", ".join(f'"{name}"' for name in values)
                self._db.execute(
                    f"INSERT INTO payments ({names}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608 - our own names
                    tuple(values.values()),
                )
                row = self._open_row(payment.order)
        return _entry(row)

    def require_room(self, amount: int, budget: int) -> None:
        """Refuse an amount before signing that `record` would refuse afterwards.

        Raises:
            BudgetExhausted: `amount` would exceed the budget.
        """
        with self._turn:
            self._require_room(amount, budget)

    def received(self, entry: Entry, result_sha256: str, receipt: str) -> None:
        """The service delivered; the result is not in a file yet."""
        self._set(entry, state=State.RECEIVED, result_sha256=result_sha256, receipt=receipt)

    def delivered(self, entry: Entry, result_path: str) -> None:
        """The result and its receipt are in their files."""
        self._set(entry, state=State.DELIVERED, result_path=result_path)

    def unused(self, entry: Entry) -> None:
        """The service proved that the payment moved no money. Its amount counts until the payment expires."""
        self._set(entry, state=State.UNUSED)

    def lost(self, entry: Entry) -> None:
        """The payment was used and its result can no longer be fetched. Its amount counts permanently."""
        self._set(entry, state=State.LOST)

    def committed(self) -> int:
        """Base units that were paid or may still be paid; the budget limits this sum."""
        with self._turn:
            return self._committed()

    def entries(self) -> list[Entry]:
        """All payments, in the order in which they were signed."""
        with self._turn:
            return [_entry(row) for row in self._db.execute("SELECT * FROM payments ORDER BY number")]

    def _set(self, entry: Entry, **values: str) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        with self._transaction():
            self._db.execute(
                f"UPDATE payments SET {names} WHERE number = ?",  # noqa: S608 - our own names
                (*values.values(), entry.number),
            )

    def _open_row(self, order: str) -> Any:
        return self._db.execute(_FIND, (order,)).fetchone()

    def _require_room(self, amount: int, budget: int) -> None:
        committed = self._committed()
        if committed + amount > budget:
            raise BudgetExhausted(
                f"The next payment of {dollars(amount)} would exceed the budget of {dollars(budget)}: "
                f"{dollars(committed)} are spent or committed in {self.path}. Raise --max-spend to continue."
            )

    def _committed(self) -> int:
        alive = int(self._clock()) - EXPIRY_MARGIN_S
        [total] = self._db.execute(
            "SELECT COALESCE(SUM(amount), 0) FROM payments WHERE state != 'unused' OR expires_at > ?", (alive,)
        ).fetchone()
        return int(total)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._turn:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise CannotBuy(f"The journal {self.path} cannot be written: {error}.") from None
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def _entry(row: sqlite3.Row) -> Entry:
    payment = Payment(**{name: row[name] for name in _PAYMENT})
    rest = {name: row[name] for name in ("number", "source", "result_sha256", "result_path", "receipt")}
    return Entry(payment=payment, state=State(row["state"]), **rest)
