"""Where buyers have their quotes signed: in another process, because the SDKs speak asyncio, which does not live
together with locust's greenlets, and because signing must not delay the clock of those who wait for an answer."""

import json
import subprocess
import sys
from threading import Lock

NEW_ACCOUNT = ""
"""In place of a key: an account that nobody has used, and that holds nothing."""


class Wallet:
    """Signs with one process for all buyers, who wait for their turn. It ends with the process that uses it.

    Blocks until that process is ready.
    """

    def __init__(self, tempo_rpc_url: str) -> None:
        self._tempo_rpc_url = tempo_rpc_url
        self._turn = Lock()
        self._signer = subprocess.Popen(
            [sys.executable, "-m", "loadtests.signer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._signer.stdout  # noqa: S101 - a pipe
        self._signer.stdout.readline()  # it is ready: its SDKs take seconds to load

    def sign(self, way: str, key: str, quote: str) -> dict[str, str]:
        """The header fields that pay a quote.

        Args:
            way: `x402-v1`, `x402-v2` or `mpp`.
            key: the payer's, or NEW_ACCOUNT.
            quote: the body of the 402 (x402-v1), or the value of PAYMENT-REQUIRED (x402-v2) or WWW-Authenticate (mpp).
        """
        order = {"way": way, "key": key, "quote": quote, "rpc_url": self._tempo_rpc_url}
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
