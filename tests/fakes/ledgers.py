"""A ledger whose database has stopped answering without saying so."""

import asyncio

from payments.ledger import Entry
from storage import SqlLedger


class StalledLedger(SqlLedger):
    """Never answers a look-up."""

    async def find(self, payment_id: str) -> Entry | None:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")
