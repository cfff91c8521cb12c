"""Answers the synchronous calls of the SDK's facilitator on our event loop, during one verification or settlement.

The SDK runs in a greenlet, which is suspended while it waits. It catches exceptions and reports an outage as an invalid
payment, so the signer records whether the chain failed. A cancellation passes through the SDK.
"""

import asyncio
import secrets
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from x402.mechanisms.evm.constants import BALANCE_OF_ABI
from x402.mechanisms.evm.data_suffix import append_data_suffix
from x402.mechanisms.evm.multicall import encode_contract_call
from x402.mechanisms.evm.types import TransactionReceipt as SdkReceipt
from x402.mechanisms.evm.types import TypedDataDomain
from x402.mechanisms.evm.verify import verify_typed_data_strict

from errors import LedgerUnavailable, RailUnavailable
from payments.evm.node import CHAIN_ID
from payments.evm.question import JsonRpc
from payments.evm.questions import TransactionReceipt, code, receipt
from payments.rail import NO_HOLD, Hold
from payments.x402.broadcaster import Broadcaster
from payments.x402.contracts import read_contract
from payments.x402.synchronous import wait_for

T = TypeVar("T")
REPLACED_POLL_S = 2.0
MARK_BYTES = 8
"""Random bytes after each of our calls; about 130 gas."""


class ChainSigner:
    """The SDK's `FacilitatorEvmSigner` with our RPC and broadcaster, for use in `synchronous.run` only.

    Args:
        reference, hold: the payment and the right to settle it; without them it sends nothing.

    Attributes:
        unreachable: chain or outbox did not respond to at least one call.
        mined: hash of the transaction whose receipt was found; a replacement has another hash than the first version.
    """

    def __init__(self, rpc: JsonRpc, broadcaster: Broadcaster, *, reference: str = "", hold: Hold = NO_HOLD) -> None:
        self.unreachable = False
        self.mined: str | None = None
        self._reference = reference
        self._hold = hold
        self._rpc = rpc
        self._broadcaster = broadcaster

    def get_addresses(self) -> list[str]:
        return [self._broadcaster.address]

    def read_contract(self, address: str, abi: list[dict[str, Any]], function_name: str, *args: Any) -> Any:
        sender = self._broadcaster.address
        return self._wait(read_contract(self._rpc, address, abi, function_name, *args, sender=sender))

    def verify_typed_data(  # noqa: PLR0917 - the SDK passes them by position
        self,
        address: str,
        domain: TypedDataDomain,
        types: dict[str, Any],
        primary_type: str,
        message: dict[str, Any],
        signature: bytes,
    ) -> bool:
        return verify_typed_data_strict(self, address, domain, types, primary_type, message, signature)

    def write_contract(
        self,
        address: str,
        abi: list[dict[str, Any]],
        function_name: str,
        *args: Any,
        data_suffix: str | None = None,
    ) -> str:
        call = append_data_suffix("0x" + encode_contract_call(abi, function_name, *args).hex(), data_suffix)
        # Contracts ignore bytes after the arguments. They distinguish our transaction on the chain from that of another
        # service that settles the same authorization, even with the same key and nonce.
        return self._send(address, call + secrets.token_hex(MARK_BYTES))

    def send_transaction(self, to: str, data: bytes) -> str:
        return self._send(to, "0x" + data.hex())

    def wait_for_transaction_receipt(self, tx_hash: str) -> SdkReceipt:
        found = self._wait(self._receipt(tx_hash))
        return SdkReceipt(
            status=int(found.succeeded), block_number=found.block, tx_hash=found.transaction, logs=list(found.logs)
        )

    def get_balance(self, address: str, token_address: str) -> int:
        return int(self.read_contract(token_address, BALANCE_OF_ABI, "balanceOf", address))

    def get_chain_id(self) -> int:
        return self._wait(self._rpc.ask(CHAIN_ID))

    def get_code(self, address: str) -> bytes:
        return self._wait(self._rpc.ask(code(address)))

    def _send(self, to: str, data: str) -> str:
        return self._wait(self._broadcaster.send(to, data, reference=self._reference, hold=self._hold))

    async def _receipt(self, tx_hash: str) -> TransactionReceipt:
        """Continues after an outage, which proves nothing about the transaction; the caller limits the wait."""
        clock = asyncio.get_running_loop().time
        hashes, recorded_at = {tx_hash}, clock()
        while True:
            for each in hashes:
                with suppress(RailUnavailable):
                    found = await self._rpc.ask(receipt(each))
                    if found is not None:
                        self.mined = each
                        return found
            await self._broadcaster.new_block()
            if clock() - recorded_at >= REPLACED_POLL_S:
                recorded_at = clock()
                with suppress(LedgerUnavailable):
                    hashes |= await self._broadcaster.hashes(self._reference)

    def _wait(self, question: Coroutine[Any, Any, T]) -> T:
        try:
            return wait_for(question)
        except (RailUnavailable, LedgerUnavailable):
            self.unreachable = True
            raise
