"""Statements that are compiled once and handed to SQLite's driver.

SQLAlchemy's part of an execution (finding the statement in its cache, a context, a result) costs more than SQLite's.
Its types convert values here as they do there, and its exceptions are raised.
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
    """One statement, for connections of the same dialect."""

    def __init__(self, compiled: SQLCompiler, columns: Sequence[Any], dialect: Dialect) -> None:
        self._sql = compiled.string
        self._inputs = tuple(_input(compiled.binds[name], name, dialect) for name in compiled.positiontup or ())
        self._row: Callable[[Sequence[Any]], Row[Any]] = result_tuple([column.key for column in columns])
        outputs = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
        self._outputs: tuple[Convert | None, ...] = tuple(outputs)

    @classmethod
    def of(cls, statement: Executable, dialect: Dialect) -> Self | None:
        """None for a statement that only SQLAlchemy can execute: its text depends on its values, or it is text."""
        if not isinstance(statement, Select | Insert | Update | Delete):
            return None
        compiled = statement.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler) or _depends_on_values(compiled):
            return None
        return cls(compiled, list(statement.exported_columns), dialect)

    def execute(self, connection: sqlite3.Connection, parameters: Mapping[str, Any]) -> tuple[Sequence[Row[Any]], int]:
        """Rows, and how many rows changed; the connection commits by itself.

        Raises:
            DBAPIError: as SQLAlchemy does.
        """
        values = [read(parameters) for read in self._inputs]
        try:
            cursor = connection.execute(self._sql, values)
            # A statement that answers with rows commits when the last of them has been read.
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
    """How a value is found among the parameters, or in the statement, and what the driver gets for it."""
    convert: Convert = bound.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
    if bound.required:
        return lambda parameters: convert(parameters[name])
    if bound.callable:
        return lambda _: convert(bound.effective_value)
    value = convert(bound.value)
    return lambda _: value


def _as_it_is(value: Any) -> Any:
    return value
