"""Buy a cut-out with x402, protocol v1 (USDC on Base). New programs speak v2: see buy_x402.py.

    pip install "x402==1.0.0"
    BUYER_KEY=0x... python buy_x402_v1.py https://HOST/v1/remove-background photo.jpg cutout.png

This old client waits 5 seconds for the paid answer, and no setting changes that.
"""

import asyncio
import json
import mimetypes
import os
import sys
from pathlib import Path

import httpx
from eth_account import Account
from x402.clients.base import decode_x_payment_response
from x402.clients.httpx import x402HttpxClient

MOST_I_PAY = 100_000  # USDC has 6 decimals: $0.10


async def buy(url: str, image: bytes, media_type: str) -> httpx.Response:
    account = Account.from_key(os.environ["BUYER_KEY"])
    async with x402HttpxClient(account=account, max_value=MOST_I_PAY) as client:
        response: httpx.Response = await client.post(url, content=image, headers={"Content-Type": media_type})
        return response


url, image, out = sys.argv[1:]
media_type = mimetypes.guess_type(image, strict=False)[0] or "image/jpeg"
response = asyncio.run(buy(url, Path(image).read_bytes(), media_type))
if not response.is_success:
    sys.exit(f"{response.status_code} {response.text}")

Path(out).write_bytes(response.content)
receipt = decode_x_payment_response(response.headers["X-PAYMENT-RESPONSE"])
print(json.dumps({"status": response.status_code, "bytes": len(response.content), "receipt": receipt}))
