"""Sends transactions of our settlement key: one at a time over all processes, without nonce gaps, EIP-1559 fees."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from web3.eth import AsyncEth

from errors import RailUnavailable
from payments.x402.rpc import Rpc

LockFactory = Callable[[], AbstractAsyncContextManager[object]]
"""Makes a lock that one holder has at a time over all processes that use the same settlement key."""

# A transfer with a plain key's signature takes about 80,000, a contract wallet's check comes on top.
GAS_LIMIT = 300_000
MIN_TIP_WEI = 1_000_000  # what nodes of the OP stack suggest at least

_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_NO_KEY = "the x402 settlement key is not a private key of 32 bytes in hex"


class Broadcaster:
    """The one way in which our settlement key spends gas.

    Args:
        key: 32 bytes as hex.
        lock: held from taking a nonce until the node has the transaction.

    Raises:
        ValueError: the key is none.
    """

    def __init__(self, rpc: Rpc, key: str, *, chain_id: int, lock: LockFactory) -> None:
        self._rpc = rpc
        self._account = _account(key)
        self._chain_id = chain_id
        self._lock = lock
        self._next_nonce: int | None = None

    @property
    def address(self) -> str:
        """The settlement key's address, checksummed."""
        return str(self._account.address)

    async def send(self, to: str, data: HexStr) -> str:
        """Sign and send a call; gives its transaction hash, 0x-hex.

        The hash is given back also when it is not known whether the node took the transaction: whoever waits for its
        receipt will learn it.

        Raises:
            RailUnavailable: the chain does not answer; nothing was sent.
            NodeRefusal: the node does not take the transaction.
        """
        priced: dict[str, Any] = {
            "to": to,
            "data": data,
            "value": 0,
            "chainId": self._chain_id,
            "gas": GAS_LIMIT,
            **await self._fees(),
        }
        async with self._lock():
            nonce = await self._nonce()
            # Whatever goes wrong from here on, the next transaction asks the chain for its nonce.
            self._next_nonce = None
            signed = self._account.sign_transaction({**priced, "nonce": nonce})
            try:
                await self._rpc.send(signed.raw_transaction)
            except RailUnavailable:
                return str(signed.hash.to_0x_hex())
            self._next_nonce = nonce + 1
        return str(signed.hash.to_0x_hex())

    def forget_nonce(self) -> None:
        """Ask the chain for the next nonce: a transaction of ours did not come through."""
        self._next_nonce = None

    async def idle(self) -> bool:
        """Whether the node knows of no transaction of ours that is not in a block yet."""
        mined, known = await asyncio.gather(self._count("latest"), self._count("pending"))
        return mined == known

    async def can_pay_gas(self) -> bool:
        """Whether the key holds the gas of one settlement at the present price."""
        balance, price = await asyncio.gather(
            self._rpc.ask(lambda eth: eth.get_balance(self._account.address)), self._rpc.ask(lambda eth: eth.gas_price)
        )
        return balance >= price * GAS_LIMIT

    async def _nonce(self) -> int:
        # A node behind a load balancer may not know our last transaction yet.
        return max(await self._count("pending"), self._next_nonce or 0)

    async def _count(self, block: Literal["latest", "pending"]) -> int:
        return await self._rpc.ask(lambda eth: eth.get_transaction_count(self._account.address, block))

    async def _fees(self) -> dict[str, int]:
        base_fee, tip = await self._rpc.ask(_prices)
        # Twice the base fee stays valid for at least five full blocks: each may raise it by an eighth.
        return {"maxFeePerGas": 2 * base_fee + tip, "maxPriorityFeePerGas": tip}


async def _prices(eth: AsyncEth) -> tuple[int, int]:
    """Base fee of the next block and the median tip of the last one, in wei."""
    history = await eth.fee_history(1, "latest", [50])
    return history["baseFeePerGas"][-1], max(history["reward"][0][0], MIN_TIP_WEI)


def _account(key: str) -> LocalAccount:
    if not _KEY.fullmatch(key):
        raise ValueError(_NO_KEY)
    try:
        account: LocalAccount = Account.from_key(key)
    except ValueError:  # zero, or beyond the curve's order
        raise ValueError(_NO_KEY) from None
    return account
