"""The one clock that all processes and hosts with a database share: the database's own."""

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatabaseTime(FunctionElement[float]):
    """Unix seconds by the database's clock at the moment of execution, not of the transaction's begin.

    SQLite reads its host's clock when the statement has the lock that it needs, and PostgreSQL its server's when it
    looks at a row, once more when somebody else has changed that row meanwhile. So a statement that had to wait is
    judged by the time at which it takes effect.
    """

    type = Double()
    inherit_cache = True


@compiles(DatabaseTime, "postgresql")
def _postgresql_time(element: DatabaseTime, compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(DatabaseTime, "sqlite")
def _sqlite_time(element: DatabaseTime, compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"  # the Julian day of 1970-01-01; reads well before SQLite 3.42
