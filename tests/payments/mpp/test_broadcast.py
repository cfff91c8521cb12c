"""One broadcast after the other."""

import asyncio

import pytest

from errors import PaymentOutcomeUnknown, PaymentRejected
from payments.mpp.broadcast import MAX_ATTEMPTS, broadcast_until_final


def now() -> float:
    """By the event loop's clock."""
    return asyncio.get_running_loop().time()


class Attempts:
    """Unclear as often as told, then clear; remembers which URL was tried when."""

    def __init__(self, unclear: int, outcome: str | Exception = "receipt") -> None:
        self.tried: list[str] = []
        self.began: list[float] = []
        self._unclear = unclear
        self._outcome = outcome

    async def __call__(self, url: str) -> str:
        self.tried.append(url)
        self.began.append(now())
        if len(self.tried) <= self._unclear:
            raise PaymentOutcomeUnknown()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


async def test_a_clear_outcome_ends_it() -> None:
    attempts = Attempts(unclear=0)
    assert await broadcast_until_final(attempts, ["a", "b"], until=now() + 60) == "receipt"
    assert attempts.tried == ["a"]


async def test_takes_the_urls_in_turn() -> None:
    attempts = Attempts(unclear=2)
    assert await broadcast_until_final(attempts, ["a", "b"], until=now() + 60) == "receipt"
    assert attempts.tried == ["a", "b", "a"]


async def test_begins_nothing_after_its_end() -> None:
    attempts, until = Attempts(unclear=1000), now() + 0.5
    with pytest.raises(PaymentOutcomeUnknown):
        await broadcast_until_final(attempts, ["a"], until=until)
    assert len(attempts.tried) > 1
    assert max(attempts.began) <= until


async def test_another_error_is_an_outcome() -> None:
    with pytest.raises(PaymentRejected):
        await broadcast_until_final(Attempts(1, PaymentRejected("no", reason="no")), ["a"], until=now() + 60)


async def test_what_no_node_takes_is_given_up() -> None:
    attempts = Attempts(unclear=1000)
    with pytest.raises(PaymentOutcomeUnknown):
        await broadcast_until_final(attempts, ["a"], until=now() + 600, longest_pause_s=0.01)
    assert len(attempts.tried) == MAX_ATTEMPTS
