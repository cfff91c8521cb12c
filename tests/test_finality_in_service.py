"""What a composed service has sold becomes final by itself."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from payments.finality import RAW
from sandbox.chains import BaseChain, TempoChain
from storage import Database
from tests.secrets.till import Till, send


async def test_what_was_sold_becomes_final(base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path) -> None:
    till = Till(base_chain, tempo_chain, tmp_path)
    async with till.open(MPP__FINALITY_BLOCKS="1") as buyer, Database(f"sqlite:///{tmp_path}/ledger.sqlite3") as books:
        assert (await send(buyer, await till.sign(buyer, "mpp"))).status_code == 200
        [(evidence,)] = await books.rows(text("SELECT evidence FROM payments"))
        assert RAW in evidence

        await books.run(text("UPDATE payments SET recheck_at = 0"))

        async with asyncio.timeout(20):
            while not await books.rows(text("SELECT id FROM payments WHERE final_at IS NOT NULL")):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        [(evidence,)] = await books.rows(text("SELECT evidence FROM payments"))
        assert RAW not in evidence
