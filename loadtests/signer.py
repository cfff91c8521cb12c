"""The program behind wallet.py: signs one quote per line, in a process of its own.

A line in: `{"rail": "x402" | "mpp", "key": …, "quote": …, "rpc_url": …}`; a line out: the header fields that pay.
"""

import asyncio
import json
import sys

from sandbox.wallets import sign_mpp, sign_x402


async def sign(rail: str, key: str, quote: str, rpc_url: str) -> dict[str, str]:
    """`quote` is the value of PAYMENT-REQUIRED or of WWW-Authenticate."""
    if rail == "mpp":
        return await sign_mpp(key, quote, rpc_url)
    return sign_x402(key, quote)


async def main() -> None:
    """Until the input ends, which it does when the load test ends."""
    for line in iter(sys.stdin.readline, ""):  # waits, and nothing else is to be done meanwhile
        print(json.dumps(await sign(**json.loads(line))), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    asyncio.run(main())
