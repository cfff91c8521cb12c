"""JSON-RPC to a local chain."""

from itertools import count
from types import TracebackType
from typing import Any, Self

import httpx

from sandbox.process import SandboxError

LOOPBACK = "127.0.0.1"


class Rpc:
    """A JSON-RPC 2.0 client of one loopback URL.

    `call` raises SandboxError when the node answers with an error, httpx.HTTPError when it does not answer.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self.url = url
        self._client = httpx.Client(timeout=timeout, trust_env=False)
        self._ids = count(1)

    def call(self, method: str, *params: Any) -> Any:
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        answer = self._client.post(self.url, json=request).raise_for_status().json()
        if "error" in answer:
            raise SandboxError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def answers(self, chain_id: int) -> bool:
        """Whether a node of this chain answers at the URL."""
        try:
            return int(self.call("eth_chainId"), 16) == chain_id
        except (httpx.HTTPError, SandboxError, ValueError):
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()


def loopback(port: int) -> str:
    """The URL of a port of this machine."""
    return f"http://{LOOPBACK}:{port}"
