"""Number and maximum age of payments in progress, in doubt or not final, for metrics."""

from typing import Any

from sqlalchemy import case, func, literal, select, text
from sqlalchemy.sql.elements import ColumnElement

from payments import IN_DOUBT, NOT_FINAL, Standing, State
from storage.database import Database
from storage.sale_statements import abandoned
from storage.schema import not_final, payments, under_way
from storage.store import Store

_row = payments.c


class SqlStates(Store):
    """`payments.ledger_watch.States` on SQLite or PostgreSQL. Two statements over partial indexes: final
    settlements are not read.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        now = database.now
        settling = _row.state == State.SETTLING
        self._under_way = (
            select(
                case((settling & (_row.lease_until <= now), IN_DOUBT), else_=_row.state).label("state"),
                func.count().label("payments"),
                _age(now, case((settling, _row.settling_since))),
            )
            .where(under_way & ~abandoned(now))
            .group_by(text("1"))
        )
        self._not_final = select(
            literal(NOT_FINAL).label("state"), func.count().label("payments"), _age(now, _row.settled_at)
        ).where(not_final)

    async def standings(self) -> list[Standing]:
        """One for each state that has payments; always one for NOT_FINAL."""
        rows = [row for each in (self._under_way, self._not_final) for row in await self._database.reads.rows(each)]
        return [Standing(row.state, row.payments, max(0.0, row.oldest_s or 0.0)) for row in rows]


def _age(now: ColumnElement[float], since: ColumnElement[Any]) -> ColumnElement[float]:
    return (now - func.min(since)).label("oldest_s")
