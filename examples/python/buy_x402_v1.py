"""Buy a cut-out with x402, protocol v1 (USDC on Base). New programs speak v2: see buy_x402.py.

    pip install "x402==1.0.0"
    BUYER_KEY=0x... python buy_x402_v1.py https://HOST/v1/remove-background photo.jpg cutout.png

This old client waits 5 seconds for the paid answer, and no setting changes that. So the answer of a large picture is
lost, and the next try has it: under the same name it is not charged again. Run it again when it fails, too.
"""

import asyncio
import hashlib
import json
import mimetypes
import os
import sys
import time
from pathlib import Path

import httpx
from eth_account import Account
from x402.clients.base import PaymentError, decode_x_payment_response
from x402.clients.httpx import x402HttpxClient

MOST_I_PAY = 100_000  # USDC has 6 decimals: $0.10


async def pay(url: str, image: bytes, headers: dict[str, str]) -> httpx.Response:
    account = Account.from_key(os.environ["BUYER_KEY"])
    async with x402HttpxClient(account=account, max_value=MOST_I_PAY, timeout=120) as client:  # one client pays once
        response: httpx.Response = await client.post(url, content=image, headers=headers)
        return response


async def buy(url: str, image: bytes, media_type: str) -> httpx.Response:
    """Try until an answer stands, for two minutes. Each try signs a new payment; by its name it is one purchase."""
    name = hashlib.sha256(url.encode() + image).hexdigest()
    headers = {"Content-Type": media_type, "Idempotency-Key": name}
    give_up_at = time.monotonic() + 120
    while True:
        try:
            response = await pay(url, image, headers)
            wait = response.headers.get("Retry-After")
            if response.status_code == 402 or wait is None or time.monotonic() > give_up_at:
                return response
        except (httpx.TransportError, PaymentError) as error:
            # What happened to the paid request comes as the cause; everything else is the client's own refusal.
            lost = isinstance(error, httpx.TransportError) or isinstance(error.__cause__, httpx.TransportError)
            if not lost or time.monotonic() > give_up_at:
                raise
            wait = "2"
        await asyncio.sleep(float(wait))


url, image, out = sys.argv[1:]
media_type = mimetypes.guess_type(image, strict=False)[0] or "image/jpeg"
response = asyncio.run(buy(url, Path(image).read_bytes(), media_type))
if not response.is_success:
    sys.exit(f"{response.status_code} {response.text}")

Path(out).write_bytes(response.content)
receipt = decode_x_payment_response(response.headers["X-PAYMENT-RESPONSE"])
print(json.dumps({"status": response.status_code, "bytes": len(response.content), "receipt": receipt}))
