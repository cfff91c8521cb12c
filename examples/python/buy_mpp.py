"""Buy a cut-out with MPP (pathUSD on Tempo).

    pip install "pympp[tempo]==0.16.0"
    BUYER_KEY=0x... python buy_mpp.py https://HOST/v1/remove-background photo.jpg cutout.png

TEMPO_RPC_URL names the node to ask for gas; the client pays on that node's chain only. Run it again when it fails: a
picture is charged once.
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
from mpp import Receipt
from mpp.client import Mpp
from mpp.errors import PaymentOutcomeUnknownError
from mpp.methods.tempo import PATH_USD, TempoAccount
from mpp.methods.tempo import client as tempo

MOST_I_PAY = 100_000  # pathUSD has 6 decimals: $0.10


async def pay(url: str, image: bytes, headers: dict[str, str]) -> httpx.Response:
    wallet = tempo.charge(
        account=TempoAccount.from_key(os.environ["BUYER_KEY"]),
        rpc_url=os.environ.get("TEMPO_RPC_URL", "https://rpc.tempo.xyz"),
        currency=PATH_USD,
        max_atomic_amount=MOST_I_PAY,
    )
    async with Mpp(methods=[wallet]) as client:
        return await client.fetch(url, method="POST", content=image, headers=headers, timeout=120)


async def buy(url: str, image: bytes, media_type: str) -> httpx.Response:
    """Try until an answer stands, for two minutes. A payment whose answer got lost is sent again; what is signed anew
    after that is one purchase with it, by its name."""
    name = hashlib.sha256(url.encode() + image).hexdigest()
    headers = {"Content-Type": media_type, "Idempotency-Key": name}
    give_up_at = time.monotonic() + 120
    while True:
        try:
            response = await pay(url, image, headers)
            wait = response.headers.get("Retry-After")
            if response.status_code == 402 or wait is None or time.monotonic() > give_up_at:
                return response
        except PaymentOutcomeUnknownError as lost:
            if time.monotonic() > give_up_at:
                raise
            headers["Authorization"] = lost.credential.to_authorization()
            wait = "2"
        except httpx.TransportError:
            if time.monotonic() > give_up_at:
                raise
            wait = "2"
        await asyncio.sleep(float(wait))


url, image, out = sys.argv[1:]
media_type = mimetypes.guess_type(image, strict=False)[0] or "image/jpeg"
response = asyncio.run(buy(url, Path(image).read_bytes(), media_type))
if not response.is_success:
    sys.exit(f"{response.status_code} {response.text}")

Path(out).write_bytes(response.content)
paid = Receipt.from_payment_receipt(response.headers["Payment-Receipt"])
receipt = {"method": paid.method, "reference": paid.reference, "status": paid.status}
print(json.dumps({"status": response.status_code, "bytes": len(response.content), "receipt": receipt}))
