"""A JSON-RPC call with the parser of its result, and its errors."""

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
    """A method, its parameters, and the parser of its result, which raises one of `abi.UNREADABLE` if it is malformed.

    Attributes:
        executes: whether the node executes code for it, so that an error may be a revert.
    """

    method: str
    params: tuple[Any, ...]
    read: Callable[[Any], T_co]
    executes: bool = False


@dataclass(frozen=True, slots=True)
class JsonRpcError:
    """An error instead of a result. Its text is not public: it may contain anything, including the URL."""

    code: int
    message: str
    data: Any = None

    @property
    def is_revert(self) -> bool:
        """Whether the chain reverts the call; False for errors of the node, such as a rate limit, which may have data
        too."""
        if isinstance(self.data, str):
            return self.data.startswith(_REVERT_DATA)
        return "revert" in self.message.lower()

    @property
    def reason(self) -> str:
        """Why the chain reverts: the node's message, and the contract's if there is one."""
        data = self.data.removeprefix("Reverted ") if isinstance(self.data, str) else ""
        if not data.startswith(_ERROR_STRING):
            return self.message
        try:
            (sentence,) = decode(["string"], bytes.fromhex(data.removeprefix(_ERROR_STRING)))
        except (DecodingError, ValueError):
            return self.message
        return f"{self.message}: {sentence}"


class CallFailed(Exception):
    """The node responded, but the call has no result."""


class Reverted(CallFailed):
    """The chain would revert the call. The text is the contract's; the SDKs read it. It is not public."""


class UnexpectedReturn(CallFailed):
    """The call returned something else: the address is not that contract, or not a contract."""


class JsonRpc(Protocol):
    """A source of chain data: one node, or the first of several that responds."""

    async def ask(self, question: Question[T]) -> T:
        """The result.

        Raises:
            Reverted: the chain would revert the call.
            RailUnavailable: no valid response in time.
        """
        ...
