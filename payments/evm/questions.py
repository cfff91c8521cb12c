"""The Ethereum JSON-RPC calls that the rails make, and their results.

Addresses, hashes and topics are 0x-hex, in lower case in results; heights are numbers or tags.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from payments.evm.abi import number, octets
from payments.evm.question import Question

Height = int | Literal["latest", "pending"]


@dataclass(frozen=True, slots=True)
class Block:
    """A block's head: `timestamp` is unix seconds, `base_fee` the chain's smallest unit per gas."""

    number: int
    timestamp: int
    base_fee: int
    gas_limit: int


@dataclass(frozen=True, slots=True)
class Log:
    """One log entry.

    Attributes:
        index: its position in its block.
        timestamp: of its block, unix seconds, if the node returns it.
    """

    address: str
    topics: tuple[str, ...]
    data: bytes
    index: int
    block: int
    transaction: str
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """The outcome of a transaction: the number of its block, whether it succeeded, and its logs."""

    transaction: str
    block: int
    succeeded: bool
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction's sender, lower case, and its nonce."""

    sender: str
    nonce: int


@dataclass(frozen=True, slots=True)
class FeeHistory:
    """Fees of the latest blocks, oldest first: the base fees, including that of the next block, and the tips at the
    requested percentiles."""

    base_fees: tuple[int, ...]
    tips: tuple[tuple[int, ...], ...]


def block_number() -> Question[int]:
    """The number of the latest block."""
    return Question("eth_blockNumber", (), number)


def block(height: Height) -> Question[Block]:
    """The head of a block."""
    return Question("eth_getBlockByNumber", (_height(height), False), _block)


def receipt(transaction: str) -> Question[TransactionReceipt | None]:
    """The receipt of a transaction; None if the node has no block with it."""
    return Question("eth_getTransactionReceipt", (transaction,), _receipt)


def transaction_input(transaction: str) -> Question[str | None]:
    """The call data of a transaction, 0x-hex; None if the node does not know it."""
    return Question("eth_getTransactionByHash", (transaction,), _input)


def transaction(hash_: str) -> Question[Transaction | None]:
    """Who sent a transaction, with which nonce; None where the node does not know it."""
    return Question("eth_getTransactionByHash", (hash_,), _transaction)


def transaction_count(sender: str, height: Height) -> Question[int]:
    """The number of a sender's transactions in blocks up to a height, or including pending ones (`pending`)."""
    return Question("eth_getTransactionCount", (sender, _height(height)), number)


def logs(
    addresses: str | Sequence[str], topics: Sequence[str | Sequence[str] | None], *, first: int, last: int
) -> Question[tuple[Log, ...]]:
    """The log entries of these contracts in the blocks from `first` to `last`, oldest first."""
    search = {"address": addresses, "topics": topics, "fromBlock": hex(first), "toBlock": hex(last)}
    return Question("eth_getLogs", (search,), _logs)


def code(address: str) -> Question[bytes]:
    """The code at an address; empty for an account without a contract."""
    return Question("eth_getCode", (address, "latest"), octets)


def balance(address: str) -> Question[int]:
    """An account's balance in the chain's native currency."""
    return Question("eth_getBalance", (address, "latest"), number)


def call(
    to: str, data: str, *, sender: str | None = None, height: Height = "latest", **changes: Any
) -> Question[bytes]:
    """The return value of a call (0x-hex), simulated."""
    request = {"to": to, "data": data, **({} if sender is None else {"from": sender}), **changes}
    return Question("eth_call", (request, _height(height)), octets, executes=True)


def gas_estimate(sender: str, to: str, data: str) -> Question[int]:
    """The gas that a call would use."""
    return Question("eth_estimateGas", ({"from": sender, "to": to, "data": data},), number, executes=True)


def fee_history(blocks: int, percentile: int) -> Question[FeeHistory]:
    """The fees of the latest blocks, with the tip at a percentile of each block's gas."""
    return Question("eth_feeHistory", (hex(blocks), "latest", [percentile]), _fee_history)


def send_raw_transaction(raw: str) -> Question[str]:
    """Send a signed transaction. Returns its hash."""
    return Question("eth_sendRawTransaction", (raw,), _hash)


def _height(height: Height) -> str:
    return hex(height) if isinstance(height, int) else height


def _hash(value: Any) -> str:
    return "0x" + octets(value).hex()


def _block(value: Mapping[str, Any]) -> Block:
    return Block(*(number(value[name]) for name in ("number", "timestamp", "baseFeePerGas", "gasLimit")))


def _receipt(value: Mapping[str, Any] | None) -> TransactionReceipt | None:
    if value is None:
        return None
    return TransactionReceipt(
        transaction=_hash(value["transactionHash"]),
        block=number(value["blockNumber"]),
        succeeded=number(value["status"]) == 1,
        logs=_logs(value["logs"]),
    )


def _input(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else "0x" + octets(value["input"]).hex()


def _transaction(value: Mapping[str, Any] | None) -> Transaction | None:
    return None if value is None else Transaction(_hash(value["from"]), number(value["nonce"]))


def _logs(values: Sequence[Mapping[str, Any]]) -> tuple[Log, ...]:
    return tuple(map(_log, values))


def _log(value: Mapping[str, Any]) -> Log:
    timestamp = value.get("blockTimestamp")
    return Log(
        address=_hash(value["address"]),
        topics=tuple(map(_hash, value["topics"])),
        data=octets(value["data"]),
        index=number(value["logIndex"]),
        block=number(value["blockNumber"]),
        transaction=_hash(value["transactionHash"]),
        timestamp=None if timestamp is None else number(timestamp),
    )


def _fee_history(value: Mapping[str, Any]) -> FeeHistory:
    tips = value.get("reward") or []
    return FeeHistory(
        base_fees=tuple(map(number, value["baseFeePerGas"])),
        tips=tuple(tuple(map(number, block)) for block in tips),
    )
