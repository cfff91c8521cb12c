"""Statements that are compiled once and executed by SQLite's driver.

SQLAlchemy's overhead (cache look-up, context, result) costs more than SQLite's execution. Values are converted by
SQLAlchemy's types, and its exceptions are raised.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from sqlalchemy import BindParameter, Delete, Executable, Insert, Row, Select, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.result import result_tuple
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]
Read = Callable[[Mapping[str, Any]], Any]


class Prepared:
    """One compiled statement for connections of a dialect."""

    def __init__(self, compiled: SQLCompiler, columns: Sequence[Any], dialect: Dialect) -> None:
        self._sql = compiled.string
        self._inputs = tuple(_input(compiled.binds[name], name, dialect) for name in compiled.positiontup or ())
        self._row: Callable[[Sequence[Any]], Row[Any]] = result_tuple([column.key for column in columns])
        outputs = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
        self._outputs: tuple[Convert | None, ...] = tuple(outputs)

    @classmethod
    def of(cls, statement: Executable, dialect: Dialect) -> Self | None:
        """Compile a statement. Returns None for textual SQL and for SQL that depends on values."""
        if not isinstance(statement, Select | Insert | Update | Delete):
            return None
        compiled = statement.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler) or _depends_on_values(compiled):
            return None
        return cls(compiled, list(statement.exported_columns), dialect)

    def execute(self, connection: sqlite3.Connection, parameters: Mapping[str, Any]) -> tuple[Sequence[Row[Any]], int]:
        """Execute and commit. Returns the rows and the number of changed rows.

        Raises:
            DBAPIError: as SQLAlchemy raises it.
        """
        values = [read(parameters) for read in self._inputs]
        try:
            cursor = connection.execute(self._sql, values)
            # A statement that returns rows commits when the last row is read.
            found = cursor.fetchall()
            changed = cursor.rowcount
            cursor.close()
        except sqlite3.Error as error:
            raise DBAPIError.instance(self._sql, None, error, sqlite3.Error, hide_parameters=True) from error
        return [self._converted(each) for each in found], changed

    def _converted(self, found: Sequence[Any]) -> Row[Any]:
        pairs = zip(found, self._outputs, strict=True)
        return self._row([value if convert is None else convert(value) for value, convert in pairs])


def _depends_on_values(compiled: SQLCompiler) -> bool:
    late = compiled.literal_execute_params or compiled.post_compile_params
    return bool(late or compiled.insert_prefetch or compiled.update_prefetch)


def _input(bound: BindParameter[Any], name: str, dialect: Dialect) -> Read:
    """A function that takes the value from the parameters or the statement and converts it for the driver."""
    convert: Convert = bound.type.dialect_impl(dialect).bind_processor(dialect) or _identity
    if bound.required:
        return lambda parameters: convert(parameters[name])
    if bound.callable:
        return lambda _: convert(bound.effective_value)
    value = convert(bound.value)
    return lambda _: value


def _identity(value: Any) -> Any:
    return value
