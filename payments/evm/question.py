"""One JSON-RPC call with how its result is read, and the answers that are not results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_ERROR_STRING = "0x08c379a0"
"""Selector of Solidity's `Error(string)`."""
_REVERT_DATA = ("0x", "Reverted ", "no data")


@dataclass(frozen=True, slots=True)
class Question(Generic[T_co]):
    """A method, its parameters, and what reads its result: raises one of `abi.UNREADABLE` for anything else.

    Attributes:
        executes: whether the node runs code for it, so that an error may be the chain's own revert.
    """

    method: str
    params: tuple[Any, ...]
    read: Callable[[Any], T_co]
    executes: bool = False


@dataclass(frozen=True, slots=True)
class JsonRpcError:
    """An error in place of a result. Its text is not public: it may hold anything, the URL included."""

    code: int
    message: str
    data: Any = None

    @property
    def is_revert(self) -> bool:
        """False for a node's own error, such as a rate limit, which may carry data as well."""
        if isinstance(self.data, str):
            return self.data.startswith(_REVERT_DATA)
        return "revert" in self.message.lower()

    @property
    def reason(self) -> str:
        """Why the chain reverts: the contract's own sentence beside the node's."""
        data = self.data.removeprefix("Reverted ") if isinstance(self.data, str) else ""
        if not data.startswith(_ERROR_STRING):
            return self.message
        try:
            (sentence,) = decode(["string"], bytes.fromhex(data.removeprefix(_ERROR_STRING)))
        except (DecodingError, ValueError):
            return self.message
        return f"{self.message}: {sentence}"


class CallFailed(Exception):
    """The chain answered, and the call gives nothing."""


class Reverted(CallFailed):
    """The chain would revert the call. The text is the contract's: the SDKs read it, and it is not public."""


class UnexpectedReturn(CallFailed):
    """What is at the address returns something else: it is not that contract, or no contract."""


class JsonRpc(Protocol):
    """A source of chain data: one node, or the first of several that responds."""

    async def ask(self, question: Question[T]) -> T:
        """The result.

        Raises:
            Reverted: the chain would revert the call.
            RailUnavailable: no valid response in time.
        """
        ...
