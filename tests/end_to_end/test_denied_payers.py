"""A payer on the operator's list buys nothing and is not charged, on every way to pay and both chains."""

import asyncio
from pathlib import Path

import pytest

from payments.deny_list import LOOK_EVERY_S
from sandbox.accounts import BUYER, STRANGER
from sandbox.chains import BaseChain, TempoChain
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import WAYS, Way
from tests.secrets.whole_service import WholeService, send


@pytest.mark.parametrize("way", WAYS)
async def test_a_denied_payer_is_refused_before_money_moves(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path, way: Way
) -> None:
    service, denied = WholeService(base_chain, tempo_chain, tmp_path), tmp_path / "denied"
    denied.write_text(f"{BUYER.address}\n")
    before = service.earned(way)
    async with service.open(DENIED_PAYERS=str(denied)) as buyer:
        payment = await service.sign(buyer, way)
        refused = await send(buyer, payment)
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (403, "payer_refused")
        assert (problem["charged"], problem["payment_state"]) == (False, "unused")
        assert (problem["retryable"], problem["retry_action"]) == (False, "ask_operator")
        assert BUYER.address[2:].lower() not in refused.text.lower()
        assert service.earned(way) == before

        denied.write_text(f"{STRANGER.address}\n")
        await asyncio.sleep(1.1 * LOOK_EVERY_S)
        sold = await send(buyer, payment)
        assert sold.status_code == 200, sold.text
        assert service.earned(way) == before + PRICE

        denied.write_text(f"{BUYER.address}\n")
        await asyncio.sleep(1.1 * LOOK_EVERY_S)
        again = await send(buyer, payment)
        assert (again.status_code, again.content) == (200, sold.content)  # what was paid is delivered
        assert service.earned(way) == before + PRICE
