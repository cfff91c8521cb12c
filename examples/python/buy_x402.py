"""Buy a cut-out with x402, protocol v2 (USDC on Base).

    pip install "x402[evm,httpx]==2.25.0"
    BUYER_KEY=0x... python buy_x402.py https://HOST/v1/remove-background photo.jpg cutout.png

Run it again when it fails: a picture is charged once.
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
from x402 import x402Client
from x402.client import max_amount
from x402.http import decode_payment_response_header
from x402.http.clients.httpx import PaymentError, x402HttpxClient
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client

MOST_I_PAY = 100_000  # USDC has 6 decimals: $0.10


async def pay(url: str, image: bytes, headers: dict[str, str]) -> httpx.Response:
    signer = EthAccountSigner(Account.from_key(os.environ["BUYER_KEY"]))
    wallet = register_exact_evm_client(x402Client(), signer, policies=[max_amount(MOST_I_PAY)])
    async with x402HttpxClient(wallet, timeout=120) as client:
        return await client.post(url, content=image, headers=headers)


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
receipt = decode_payment_response_header(response.headers["PAYMENT-RESPONSE"]).model_dump(exclude_none=True)
print(json.dumps({"status": response.status_code, "bytes": len(response.content), "receipt": receipt}))
