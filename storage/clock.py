"""The clock that all processes and hosts share: the database's."""

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatabaseTime(FunctionElement[float]):
    """Unix seconds by the database's clock at execution time, not at the start of the transaction.

    SQLite reads its host's clock when the statement holds its lock. PostgreSQL reads its server's clock when it visits
    a row, and again if another transaction has changed that row meanwhile. So a statement that had to wait uses the
    time at which it takes effect.
    """

    type = Double()
    inherit_cache = True


@compiles(DatabaseTime, "postgresql")
def _postgresql_time(element: DatabaseTime, compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(DatabaseTime, "sqlite")
def _sqlite_time(element: DatabaseTime, compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"  # Julian day of 1970-01-01; also works before SQLite 3.42
