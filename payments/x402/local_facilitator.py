"""Settling with our own key: the SDK's facilitator in threads of its own, over our signer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from x402.mechanisms.evm.exact.facilitator import ExactEvmScheme, ExactEvmSchemeConfig
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse

from errors import PaymentRejected, RailUnavailable
from payments.evm.question import JsonRpc
from payments.rail import Hold
from payments.x402.broadcaster import Broadcaster
from payments.x402.budget import gas_for
from payments.x402.facilitator import FinalAt, InFlight, SettleAnswer
from payments.x402.gas_alarm import CostAlarm, GasAlarm
from payments.x402.refusals import refusal
from payments.x402.signer import ChainSigner

T = TypeVar("T", SettleResponse, VerifyResponse)
_CONFIG = ExactEvmSchemeConfig(simulate_in_settle=True)  # a reverted transfer costs gas, a simulated one nothing
_THREADS = {"verify": 8, "settle": 32}  # they wait rather than compute; settling waits for blocks


class LocalFacilitator:
    """Verifies and settles through an RPC URL and the broadcaster of our key.

    Args:
        verify_timeout_s, settle_timeout_s: for the whole call, the wait for a free thread included.
    """

    is_service = False

    def __init__(
        self, rpc: JsonRpc, broadcaster: Broadcaster, *, verify_timeout_s: float, settle_timeout_s: float
    ) -> None:
        self._rpc = rpc
        self._broadcaster = broadcaster
        self._limits = {"verify": verify_timeout_s, "settle": settle_timeout_s}
        self._pools = {verb: ThreadPoolExecutor(size, f"x402-{verb}") for verb, size in _THREADS.items()}
        self._signers: set[ChainSigner] = set()
        self._gas_alarm, self._cost_alarm = GasAlarm(), CostAlarm()

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        await self._check_cost(payload, requirements)
        signer = ChainSigner(self._rpc, self._broadcaster, limit_s=self._limits["verify"])
        scheme = ExactEvmScheme(signer, _CONFIG)
        try:
            answer = await self._in_thread("verify", signer, lambda: scheme.verify(payload, requirements))
        except (TimeoutError, RuntimeError):  # RuntimeError: the SDK could not see whether the asset is a contract
            raise RailUnavailable("The chain is too slow to judge the payment. Nothing was charged.") from None
        if not answer.is_valid:
            raise _definite(answer.invalid_reason, signer) or RailUnavailable(
                "The payment cannot be judged now. Nothing was charged."
            )

    async def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, *, reference: str, hold: Hold
    ) -> SettleAnswer:
        signer = ChainSigner(
            self._rpc, self._broadcaster, limit_s=self._limits["settle"], reference=reference, hold=hold
        )
        scheme = ExactEvmScheme(signer, _CONFIG)
        try:
            answer = await self._in_thread("settle", signer, lambda: scheme.settle(payload, requirements))
        except (TimeoutError, RuntimeError):
            return SettleAnswer()
        if answer.success:
            return SettleAnswer(transaction=signer.mined or answer.transaction, is_confirmed=True)
        return SettleAnswer(refusal=_definite(answer.error_reason, signer))

    async def progress(self, reference: str, node: JsonRpc) -> InFlight | FinalAt:
        return await self._broadcaster.progress(reference, node)

    async def sent(self, reference: str, transaction: str) -> bool | None:
        return await self._broadcaster.sent(reference, transaction)

    async def health(self) -> str | None:
        outlook = await self._broadcaster.outlook()
        self._gas_alarm.report(outlook.affordable)
        self._cost_alarm.report(outlook.cost_share, worth_it=outlook.worth_it)
        if not outlook.worth_it:
            return f"Settling a payment would cost more than {outlook.max_share:.0%} of its price now."
        return None if outlook.affordable else "The settlement key cannot pay for gas."

    async def aclose(self) -> None:
        await asyncio.gather(*(signer.aclose() for signer in self._signers))
        await self._broadcaster.aclose()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    async def _check_cost(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        gas = gas_for(payload.payload["signature"])
        try:
            async with asyncio.timeout(self._limits["verify"]):
                await self._broadcaster.check_cost(int(requirements.amount), gas=gas)
        except TimeoutError:
            raise RailUnavailable("The chain is too slow to say what settling costs. Nothing was charged.") from None

    async def _in_thread(self, verb: str, signer: ChainSigner, call: Callable[[], T]) -> T:
        self._signers.add(signer)
        try:
            async with asyncio.timeout(self._limits[verb]):
                return await asyncio.get_running_loop().run_in_executor(self._pools[verb], call)
        finally:
            # A thread cannot be stopped, but from here on it can send nothing.
            await signer.aclose()
            self._signers.discard(signer)


def _definite(reason: str | None, signer: ChainSigner) -> PaymentRejected | None:
    """The SDK reports an outage as a bad payment, so its word counts only when the chain answered all questions."""
    return None if signer.unreachable else refusal(reason)
