"""What was quoted before the operator changed price or address is paid as it was quoted, on every way to pay.

What changes of secrets do: tests/secrets/test_rotation.py.
"""

from pathlib import Path

import pytest

from config import ConfigurationError, load
from runners import RunnerConfig
from sandbox.accounts import SELLER, STRANGER
from sandbox.chains import BaseChain, Chain, TempoChain
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import WAYS, Way
from tests.secrets.whole_service import WholeService, send

MODEL = RunnerConfig().model
BEFORE, AFTER = {"PRICE_USD": "0.05"}, {"PRICE_USD": "0.07"}
AFTER_UNITS = 70_000
REMEMBERED = {"PREVIOUS_PRICES": f"{MODEL}=0.05"}
MOVED = {"X402__PAY_TO": STRANGER.address, "MPP__RECIPIENT": STRANGER.address}
MOVED_FROM = {"X402__PREVIOUS_PAY_TO": SELLER.address, "MPP__PREVIOUS_RECIPIENT": SELLER.address}


@pytest.fixture
def service(base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path) -> WholeService:
    return WholeService(base_chain, tempo_chain, tmp_path)


@pytest.mark.parametrize("way", WAYS)
async def test_a_quote_at_the_former_price_is_paid(service: WholeService, way: Way) -> None:
    earned = service.earned(way)
    async with service.open(**BEFORE) as buyer:
        payment = await service.sign(buyer, way)
    async with service.open(**AFTER, **REMEMBERED) as buyer:
        bought = await send(buyer, payment)
        assert bought.status_code == 200, bought.text
        assert service.earned(way) == earned + PRICE
        assert (await send(buyer, await service.sign(buyer, way))).status_code == 200, "the new price"
    assert service.earned(way) == earned + PRICE + AFTER_UNITS


@pytest.mark.parametrize("way", WAYS)
async def test_a_quote_at_a_forgotten_price_is_refused_with_a_new_one(service: WholeService, way: Way) -> None:
    earned = service.earned(way)
    async with service.open(**BEFORE) as buyer:
        payment = await service.sign(buyer, way)
    async with service.open(**AFTER) as buyer:
        refused = await send(buyer, payment)
        assert (refused.status_code, refused.json()["charged"]) == (402, False)
        assert service.earned(way) == earned
        assert (await send(buyer, await service.pay(refused, way))).status_code == 200
    assert service.earned(way) == earned + AFTER_UNITS


@pytest.mark.parametrize("way", WAYS)
async def test_a_quote_with_the_former_address_is_paid_to_it(service: WholeService, way: Way) -> None:
    """And sent again it is delivered again; a new quote names the new address."""
    chain: Chain = service.tempo if way == "mpp" else service.base
    earned, moved = chain.balance_of(SELLER.address), chain.balance_of(STRANGER.address)
    async with service.open() as buyer:
        payment = await service.sign(buyer, way)
    async with service.open(**MOVED, **MOVED_FROM) as buyer:
        bought = await send(buyer, payment)
        assert bought.status_code == 200, bought.text
        assert (await send(buyer, payment)).headers["Idempotent-Replayed"] == "true"
        assert (await send(buyer, await service.sign(buyer, way))).status_code == 200
    assert chain.balance_of(SELLER.address) == earned + PRICE
    assert chain.balance_of(STRANGER.address) == moved + PRICE


@pytest.mark.parametrize("way", WAYS)
async def test_a_quote_with_a_forgotten_address_is_refused_unused(service: WholeService, way: Way) -> None:
    earned = service.earned(way)
    async with service.open() as buyer:
        payment = await service.sign(buyer, way)
    async with service.open(**MOVED) as buyer:
        refused = await send(buyer, payment)
    assert (refused.status_code, refused.json()["charged"]) == (402, False)
    assert service.earned(way) == earned


@pytest.mark.parametrize("way", WAYS)
async def test_price_and_address_change_at_once(service: WholeService, way: Way) -> None:
    earned = service.earned(way)
    async with service.open(**BEFORE) as buyer:
        payment = await service.sign(buyer, way)
    async with service.open(**AFTER, **REMEMBERED, **MOVED, **MOVED_FROM) as buyer:
        bought = await send(buyer, payment)
    assert bought.status_code == 200, bought.text
    assert service.earned(way) == earned + PRICE


def test_a_former_price_names_a_model_that_is_served() -> None:
    with pytest.raises(ConfigurationError, match=f"names 'another', which must be one of {MODEL}"):
        load({"CLEARCANVAS_PREVIOUS_PRICES": "another=0.05"})
    with pytest.raises(ConfigurationError, match=f"'{MODEL}' must be NAME=PRICE"):
        load({"CLEARCANVAS_PREVIOUS_PRICES": MODEL})
