"""The database's own clock, so that hosts whose clocks differ judge alike."""

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatabaseTime(FunctionElement[float]):
    """Unix seconds by the database's clock at the moment of execution, not of the transaction's begin."""

    type = Double()
    inherit_cache = True


@compiles(DatabaseTime, "postgresql")
def _postgresql_time(element: DatabaseTime, compiler: SQLCompiler, **_: Any) -> str:
    return "extract(epoch FROM clock_timestamp())"


@compiles(DatabaseTime, "sqlite")
def _sqlite_time(element: DatabaseTime, compiler: SQLCompiler, **_: Any) -> str:
    return "(julianday('now') - 2440587.5) * 86400.0"  # the Julian day of 1970-01-01; reads well before SQLite 3.42
