"""Where buyers have their quotes signed: in another process, because the SDKs speak asyncio, which does not live
together with locust's greenlets, and because signing must not delay the clock of those who wait for an answer."""

import json
import subprocess
import sys
from functools import cache
from threading import Lock


class Wallet:
    """Signs with one process for all buyers, who wait for their turn. It ends with the process that uses it."""

    def __init__(self, tempo_rpc_url: str) -> None:
        self._tempo_rpc_url = tempo_rpc_url
        self._turn = Lock()
        self._signer = subprocess.Popen(
            [sys.executable, "-m", "loadtests.signer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def sign(self, rail: str, key: str, quote: str) -> dict[str, str]:
        """The header fields that pay a quote: the value of PAYMENT-REQUIRED (x402) or of WWW-Authenticate (mpp)."""
        order = {"rail": rail, "key": key, "quote": quote, "rpc_url": self._tempo_rpc_url}
        assert self._signer.stdin  # noqa: S101 - both are pipes
        assert self._signer.stdout  # noqa: S101
        with self._turn:
            self._signer.stdin.write(json.dumps(order) + "\n")
            self._signer.stdin.flush()
            answer = self._signer.stdout.readline()
        signed: dict[str, str] = json.loads(answer)
        return signed

    def close(self) -> None:
        """End the signing process."""
        self._signer.communicate()


@cache
def shared_wallet(tempo_rpc_url: str) -> Wallet:
    """The one wallet of this process for a node."""
    return Wallet(tempo_rpc_url)
