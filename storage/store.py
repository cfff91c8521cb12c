"""The common part of the stores."""

from storage.database import Database


class Store:
    """A store on SQLite or PostgreSQL.

    Args:
        database: shared by all stores; its owner closes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
