"""Buy a cut-out with MPP (pathUSD on Tempo).

    pip install "pympp[tempo]==0.16.0"
    BUYER_KEY=0x... python buy_mpp.py https://HOST/v1/remove-background photo.jpg cutout.png

TEMPO_RPC_URL names the node to ask for gas; the client pays on that node's chain only.
"""

import asyncio
import json
import mimetypes
import os
import sys
from pathlib import Path

import httpx
from mpp import Receipt
from mpp.client import Mpp
from mpp.methods.tempo import PATH_USD, TempoAccount
from mpp.methods.tempo import client as tempo

MOST_I_PAY = 100_000  # pathUSD has 6 decimals: $0.10


async def buy(url: str, image: bytes, media_type: str) -> httpx.Response:
    wallet = tempo.charge(
        account=TempoAccount.from_key(os.environ["BUYER_KEY"]),
        rpc_url=os.environ.get("TEMPO_RPC_URL", "https://rpc.tempo.xyz"),
        currency=PATH_USD,
        max_atomic_amount=MOST_I_PAY,
    )
    async with Mpp(methods=[wallet]) as client:
        return await client.fetch(url, method="POST", content=image, headers={"Content-Type": media_type})


url, image, out = sys.argv[1:]
media_type = mimetypes.guess_type(image, strict=False)[0] or "image/jpeg"
response = asyncio.run(buy(url, Path(image).read_bytes(), media_type))
if not response.is_success:
    sys.exit(f"{response.status_code} {response.text}")

Path(out).write_bytes(response.content)
paid = Receipt.from_payment_receipt(response.headers["Payment-Receipt"])
receipt = {"method": paid.method, "reference": paid.reference, "status": paid.status}
print(json.dumps({"status": response.status_code, "bytes": len(response.content), "receipt": receipt}))
