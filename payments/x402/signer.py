"""What the SDK's facilitator needs of a chain during one call: its synchronous questions, answered on our event loop.

The SDK runs in a thread and swallows exceptions, an outage looking like a bad payment afterwards. So the signer
remembers whether the chain was out, and once closed it sends nothing more.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from eth_typing import HexStr
from web3.eth import AsyncEth
from web3.exceptions import TransactionNotFound
from web3.types import TxReceipt
from x402.mechanisms.evm.constants import BALANCE_OF_ABI
from x402.mechanisms.evm.data_suffix import append_data_suffix
from x402.mechanisms.evm.multicall import encode_contract_call
from x402.mechanisms.evm.types import TransactionReceipt, TypedDataDomain
from x402.mechanisms.evm.verify import verify_typed_data_strict

from concurrency import cancel_and_wait
from errors import LedgerUnavailable, RailUnavailable
from payments.rail import NO_HOLD, Hold
from payments.x402.broadcaster import Broadcaster
from payments.x402.rpc import Rpc

T = TypeVar("T")
REPLACED_POLL_S = 2.0
MARK_BYTES = 8
"""How many random bytes follow each call of ours; about 130 gas."""


class ChainSigner:
    """The SDK's `FacilitatorEvmSigner` over our RPC and broadcaster; made on the event loop, used in one thread.

    Args:
        limit_s: how long the thread waits for any one answer, come what may of the event loop.
        reference, hold: for which payment, and by which right, it may send; nothing without them.

    Attributes:
        unreachable: chain or outbox gave no answer to at least one question.
        mined: hash of the transaction whose receipt was found: a replacement has another one than was sent first.
    """

    def __init__(
        self, rpc: Rpc, broadcaster: Broadcaster, *, limit_s: float, reference: str = "", hold: Hold = NO_HOLD
    ) -> None:
        self.unreachable = False
        self.mined: str | None = None
        self._reference = reference
        self._hold = hold
        self._limit_s = limit_s
        self._rpc = rpc
        self._broadcaster = broadcaster
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._closed = False

    async def aclose(self) -> None:
        """End the question under way and refuse all further ones. What is being recorded and sent is so when this
        returns: from then on, the outbox tells whether this call has sent anything."""
        self._closed = True
        if self._task is not None:
            await cancel_and_wait(self._task)

    def get_addresses(self) -> list[str]:
        return [self._broadcaster.address]

    def read_contract(self, address: str, abi: list[dict[str, Any]], function_name: str, *args: Any) -> Any:
        return self._wait(lambda: self._rpc.read(address, abi, function_name, *args, sender=self._broadcaster.address))

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
        # Contracts ignore what follows the arguments. It makes our transaction unlike those of another service that
        # settles the same authorization, with the same key and nonce even: on the chain we know ours by its call.
        return self._send(address, HexStr(call + secrets.token_hex(MARK_BYTES)))

    def send_transaction(self, to: str, data: bytes) -> str:
        return self._send(to, HexStr("0x" + data.hex()))

    def wait_for_transaction_receipt(self, tx_hash: str) -> TransactionReceipt:
        receipt = self._wait(lambda: self._receipt(tx_hash))
        return TransactionReceipt(
            status=receipt["status"],
            block_number=receipt["blockNumber"],
            tx_hash=receipt["transactionHash"].to_0x_hex(),
            logs=list(receipt["logs"]),
        )

    def get_balance(self, address: str, token_address: str) -> int:
        return int(self.read_contract(token_address, BALANCE_OF_ABI, "balanceOf", address))

    def get_chain_id(self) -> int:
        return self._wait(lambda: self._rpc.ask(lambda eth: eth.chain_id))

    def get_code(self, address: str) -> bytes:
        return self._wait(lambda: self._rpc.code(address))

    def _send(self, to: str, data: HexStr) -> str:
        return self._wait(lambda: self._broadcaster.send(to, data, reference=self._reference, hold=self._hold))

    async def _receipt(self, tx_hash: str) -> TxReceipt:
        """An outage while we wait is no answer about the transaction: the caller's deadline ends the waiting."""
        hashes, recorded_at = {tx_hash}, self._loop.time()
        while True:
            for each in hashes:
                with suppress(TransactionNotFound, RailUnavailable):
                    receipt = await self._rpc.ask(partial(_receipt_of, each))
                    self.mined = each
                    return receipt
            await self._broadcaster.new_block()
            if self._loop.time() - recorded_at >= REPLACED_POLL_S:
                recorded_at = self._loop.time()
                with suppress(LedgerUnavailable):
                    hashes |= await self._broadcaster.hashes(self._reference)

    def _wait(self, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(self._answer(question), self._loop).result(self._limit_s)
        except (RailUnavailable, LedgerUnavailable, TimeoutError, CancelledError):
            # A call that was given up tells as little about the payment as a chain that is out.
            self.unreachable = True
            raise

    async def _answer(self, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._closed:
            raise RailUnavailable("The call was given up.")
        self._task = asyncio.current_task()
        return await question()


async def _receipt_of(tx_hash: str, eth: AsyncEth) -> TxReceipt:
    return await eth.get_transaction_receipt(HexStr(tx_hash))
