"""The program behind wallet.py: signs one quote per line, in a process of its own.

A line in: `{"way": "x402-v1" | "x402-v2" | "mpp", "key": …, "quote": …, "rpc_url": …}`; a line out: the header fields
that pay. Without a key a new account signs.
"""

import asyncio
import json
import sys

from eth_account import Account

from sandbox.wallets import sign_mpp, sign_x402, sign_x402_v1


async def sign(way: str, key: str, quote: str, rpc_url: str) -> dict[str, str]:
    """See `Wallet.sign`."""
    key = key or "0x" + bytes(Account.create().key).hex()
    if way == "mpp":
        return await sign_mpp(key, quote, rpc_url)
    return sign_x402_v1(key, quote.encode()) if way == "x402-v1" else sign_x402(key, quote)


async def main() -> None:
    """Until the input ends, which it does when the load test ends. The first line says that it is ready."""
    print(flush=True)  # noqa: T201 - see above
    for line in iter(sys.stdin.readline, ""):  # waits, and nothing else is to be done meanwhile
        print(json.dumps(await sign(**json.loads(line))), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    asyncio.run(main())
