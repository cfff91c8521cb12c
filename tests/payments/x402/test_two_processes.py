"""One settlement key in two processes: every payment settles, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.accounts import SELLER
from sandbox.chains import BaseChain
from tests.contracts.rail_contract import UNITS
from tests.empty_ledger import empty_ledger
from tests.fakes.postgres import postgres_server, required_binaries
from tests.payments.x402.miner import nonce_of
from tests.payments.x402.sellers import sell_at_once
from tests.together import run_together

EACH = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database with empty tables."""
    if request.param == "sqlite":
        yield empty_ledger(tmp_path / "shared.sqlite3")
        return
    with postgres_server(required_binaries()) as server:
        yield server.new_ledger()


def test_forty_payments_at_once_all_settle(base_chain: BaseChain, database_url: str) -> None:
    """Twenty from each process at the same moment, each in a transaction of its own, without a gap."""
    before = base_chain.balance_of(SELLER.address)
    sellers = run_together(sell_at_once, 2, 120, database_url, base_chain.rpc_url, EACH)
    sent = [transaction for seller in sellers for transaction in seller]
    assert base_chain.balance_of(SELLER.address) == before + 2 * EACH * UNITS
    nonces = sorted(nonce_of(base_chain, transaction) for transaction in sent)
    assert nonces == list(range(nonces[0], nonces[0] + 2 * EACH))
