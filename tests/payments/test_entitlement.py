"""The entitlement to a settled payment's picture: again without a charge, in number and time."""

import asyncio

import pytest

from errors import (
    InternalError,
    Overloaded,
    PaymentUsed,
    ProcessingFailed,
)
from payments.policy import SalePolicy
from tests.fakes.clock import FakeClock
from tests.fakes.seller import CUT_OUT, Seller


@pytest.mark.parametrize("policy", [SalePolicy(max_redeliveries=2, redelivery_s=100)])
class TestEntitlement:
    """What has been paid for is delivered again, so often and so long, and is never called uncharged."""

    async def test_ends_with_its_number(self, seller: Seller) -> None:
        await seller.send()
        for _ in range(2):
            assert (await seller.send()).replayed
        with pytest.raises(PaymentUsed) as refusal:
            await seller.send()
        assert refusal.value.charged
        assert seller.works == 3

    async def test_ends_with_its_time(self, seller: Seller, clock: FakeClock) -> None:
        await seller.send()
        clock.advance(99)
        assert (await seller.send()).replayed
        clock.advance(1)
        with pytest.raises(PaymentUsed) as refusal:
            await seller.send()
        assert refusal.value.charged

    @pytest.mark.parametrize("recent_bytes", [1000])
    async def test_costs_nothing_while_the_picture_is_at_hand(self, seller: Seller) -> None:
        await seller.send()
        for _ in range(10):
            assert (await seller.send()).delivery.body == CUT_OUT
        assert seller.works == 1

    @pytest.mark.parametrize("error", [ProcessingFailed("broken"), RuntimeError("bug")])
    async def test_is_not_used_up_by_failures(self, seller: Seller, error: Exception) -> None:
        await seller.send()
        seller.working = [error] * 5
        for _ in range(5):
            with pytest.raises(InternalError) as failure:
                await seller.send()
            assert failure.value.charged
            assert failure.value.retryable
        assert (await seller.send()).replayed

    async def test_waits_for_room(self, seller: Seller) -> None:
        await seller.send()
        seller.admitting = [Overloaded("full")]
        with pytest.raises(Overloaded) as refusal:
            await seller.send()
        assert refusal.value.charged
        assert (await seller.send()).replayed

    async def test_copies_at_once_are_one_work(self, seller: Seller) -> None:
        await seller.send()
        seller.may_work.clear()
        copies = [asyncio.create_task(seller.send()) for _ in range(10)]
        await asyncio.wait(copies, timeout=0.1)
        seller.may_work.set()
        assert [sale.delivery.body for sale in await asyncio.gather(*copies)] == [CUT_OUT] * 10
        assert seller.works == 2
        entry = await seller.entry()
        assert entry is not None
        assert entry.deliveries == 1
