"""The revisions of the schema, the revision of a database, and which code works with it.

During an upgrade the old version works on the new schema for a while. The attribute `works_with` of a revision names
the oldest revision whose code can do that; by default it is the revision itself. The database stores this for its
current revision (`ledger.oldest_code`), because the old version does not know the new revision.

A revision that only adds (columns that may be NULL or have a default, tables, indexes that are not unique) works with
the code before it. A revision that removes or restricts something must follow a version later, when no running code
needs it any more.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, update

from errors import LedgerUnavailable
from storage.schema import ledger

HERE = Path(__file__).parent
VERSIONS = HERE / "versions"


class Revisions:
    """The revisions in some folders, oldest first.

    Args:
        folders: where their files are.
    """

    def __init__(self, folders: Sequence[Path] = (VERSIONS,)) -> None:
        self._config = Config()
        self._config.set_main_option("path_separator", "newline")
        self._config.set_main_option("script_location", _escaped(HERE))
        self._config.set_main_option("version_locations", "\n".join(map(_escaped, folders)))
        scripts = [*ScriptDirectory.from_config(self._config).walk_revisions()]
        self._oldest_code: dict[str, str] = {
            each.revision: getattr(each.module, "works_with", each.revision) for each in scripts[::-1]
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._oldest_code)

    def __contains__(self, revision: str) -> bool:
        return revision in self._oldest_code

    @property
    def head(self) -> str:
        """The newest."""
        *_, newest = self
        return newest

    def check(self, revision: str) -> None:
        """Raise ValueError unless there is such a revision."""
        if revision not in self:
            raise ValueError(f"There is no revision {revision}; there are {', '.join(self)}.")

    def found(self, connection: Connection) -> str | None:
        """The revision of a database; None if it has no tables."""
        revision: str | None = MigrationContext.configure(connection).get_current_revision()
        return revision

    def works_with(self, connection: Connection, found: str) -> bool:
        """Whether code of `head` works with a database at an unknown later revision."""
        oldest = _noted(connection)
        return oldest is not None and oldest in self and found not in self

    def run(self, connection: Connection, found: str | None, to: str) -> str:
        """Migrate a database from one revision to another, and store which code works with it. Returns `to`."""
        self._config.attributes["connection"] = connection
        order = [*self]
        is_back = found is not None and order.index(to) < order.index(found)
        (command.downgrade if is_back else command.upgrade)(self._config, to)
        if _has_note(connection):
            applied = order[: order.index(to) + 1]
            oldest = max((self._oldest_code[each] for each in applied), key=order.index)
            connection.execute(update(ledger).values(oldest_code=oldest))
        return to

    def check_code(self, found: str) -> None:
        """Raise LedgerUnavailable if the database is at an earlier revision than this code."""
        if found in self and found != self.head:
            raise LedgerUnavailable(
                f"The ledger's tables are those of an earlier version: revision {found}, not {self.head}. Bring them "
                "up to date: python -m deploy.migrate."
            )


@cache
def own_revisions() -> Revisions:
    """The revisions of this version."""
    return Revisions()


def _noted(connection: Connection) -> str | None:
    """The oldest revision whose code works with a database."""
    return connection.execute(select(ledger.c.oldest_code)).scalar() if _has_note(connection) else None


def _has_note(connection: Connection) -> bool:
    tables = inspect(connection)
    columns = tables.get_columns("ledger") if tables.has_table("ledger") else []
    return any(column["name"] == "oldest_code" for column in columns)


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
