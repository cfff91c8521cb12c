"""Settlement with our own key: the SDK's synchronous facilitator on our event loop, with our signer."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from x402.mechanisms.evm.exact.facilitator import ExactEvmScheme, ExactEvmSchemeConfig
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse

from concurrency import cancel_and_wait
from errors import PaymentRejected, RailUnavailable
from payments.evm.question import JsonRpc
from payments.rail import Hold
from payments.x402.broadcaster import Broadcaster
from payments.x402.budget import gas_for
from payments.x402.facilitator import FinalAt, InFlight, SettleAnswer
from payments.x402.gas_alarm import CostAlarm, GasAlarm
from payments.x402.refusals import refusal
from payments.x402.signer import ChainSigner
from payments.x402.synchronous import run

T = TypeVar("T", SettleResponse, VerifyResponse)
_CONFIG = ExactEvmSchemeConfig(simulate_in_settle=True)  # a reverted transfer costs gas, a simulation does not


class LocalFacilitator:
    """Verifies and settles with an RPC URL and the broadcaster of our key.

    Args:
        verify_timeout_s, settle_timeout_s: for the whole call.
    """

    is_service = False

    def __init__(
        self, rpc: JsonRpc, broadcaster: Broadcaster, *, verify_timeout_s: float, settle_timeout_s: float
    ) -> None:
        self._rpc = rpc
        self._broadcaster = broadcaster
        self._verify_timeout_s = verify_timeout_s
        self._settle_timeout_s = settle_timeout_s
        self._running: set[asyncio.Task[Any]] = set()
        self._gas_alarm, self._cost_alarm = GasAlarm(), CostAlarm()

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        await self._check_means(payload, requirements)
        signer = ChainSigner(self._rpc, self._broadcaster)
        scheme = ExactEvmScheme(signer, _CONFIG)
        try:
            answer = await self._run(lambda: scheme.verify(payload, requirements), limit_s=self._verify_timeout_s)
        except (TimeoutError, RuntimeError):  # RuntimeError: the SDK could not check whether the asset is a contract
            raise RailUnavailable("The chain is too slow to verify the payment. Nothing was charged.") from None
        if not answer.is_valid:
            raise _definite(answer.invalid_reason, signer) or RailUnavailable(
                "The payment cannot be verified now. Nothing was charged."
            )

    async def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, *, reference: str, hold: Hold
    ) -> SettleAnswer:
        signer = ChainSigner(self._rpc, self._broadcaster, reference=reference, hold=hold)
        scheme = ExactEvmScheme(signer, _CONFIG)
        try:
            answer = await self._run(lambda: scheme.settle(payload, requirements), limit_s=self._settle_timeout_s)
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
        try:
            await self._broadcaster.check_signer()
        except RailUnavailable as outage:
            return outage.detail
        outlook = await self._broadcaster.outlook()
        self._gas_alarm.report(outlook.affordable)
        self._cost_alarm.report(outlook.cost_share, worth_it=outlook.worth_it)
        if not outlook.worth_it:
            return f"Settling a payment now costs more than {outlook.max_share:.0%} of its price."
        return None if outlook.affordable else "The settlement key cannot pay for gas."

    async def aclose(self) -> None:
        await asyncio.gather(*map(cancel_and_wait, self._running))
        await self._broadcaster.aclose()

    async def _check_means(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        """Check that the payment could be settled, before any work: it is worth its gas, and the key would sign."""
        gas = gas_for(payload.payload["signature"])
        try:
            async with asyncio.timeout(self._verify_timeout_s):
                await asyncio.gather(
                    self._broadcaster.check_signer(), self._broadcaster.check_cost(int(requirements.amount), gas=gas)
                )
        except TimeoutError:
            raise RailUnavailable("The chain is too slow to return its fees. Nothing was charged.") from None

    async def _run(self, call: Callable[[], T], *, limit_s: float) -> T:
        """The SDK's answer. If recording a transaction has begun, the transaction is recorded and sent when this
        returns or raises: from then on, the outbox shows whether the call has sent anything.

        Raises:
            TimeoutError: the call takes longer, or this object is closed meanwhile.
        """
        running = asyncio.create_task(run(call))
        self._running.add(running)
        try:
            await asyncio.wait({running}, timeout=limit_s)
        finally:
            await cancel_and_wait(running)
            self._running.discard(running)
        if running.cancelled():
            raise TimeoutError
        return running.result()


def _definite(reason: str | None, signer: ChainSigner) -> PaymentRejected | None:
    """The SDK reports an outage as an invalid payment, so its refusal counts only if every call of the chain worked."""
    return None if signer.unreachable else refusal(reason)
