"""A process of its own that sells with the sandbox's settlement key; run by name."""

import asyncio
from decimal import Decimal

import storage
from payments.money import Price
from payments.order import Order
from payments.x402.config import X402Config
from sandbox.accounts import SELLER, SETTLER
from sandbox.chains import BaseChain
from tests.begun import Begun, BegunRail
from tests.payments.x402.buyer import X402Buyer, bought
from tests.together import wait_for_others

ORDER = Order(
    url="https://cut.example/v1/remove-background",
    method="POST",
    body=b"picture",
    parameters=(("format", "png"),),
    price=Price(Decimal("0.05")),
)


def sell_at_once(database_url: str, rpc_url: str, payments: int) -> list[str]:
    """Settle so many distinct payments at the same time; the transactions that paid."""

    async def run() -> list[str]:
        database = storage.Database(database_url)
        lock, outbox = storage.SqlLock(database, "x402 settlement"), storage.SqlOutbox(database)
        config = X402Config.model_validate(
            {
                "chain_id": BaseChain.chain_id,
                "asset": BaseChain.token,
                "pay_to": SELLER.address,
                "settlement_key": SETTLER.key,
                "rpc_url": rpc_url,
                "verify_timeout_s": 60,
                "settle_timeout_s": 60,
            }
        )
        begun = Begun(storage.SqlLedger(database))
        rail = BegunRail(begun, config, lock=lock, outbox=outbox, highest_price=ORDER.price)
        with BaseChain.connect(rpc_url) as chain:
            buyer = X402Buyer(chain, version=2)
            credentials = [await bought(rail, buyer, ORDER) for _ in range(payments)]
        verified = [(await rail.bind(credential).verify(ORDER), credential) for credential in credentials]
        await asyncio.to_thread(wait_for_others)
        receipts = await asyncio.gather(*(rail.bind(credential).settle(payment) for payment, credential in verified))
        await rail.aclose()
        await database.aclose()
        return [receipt.transaction for receipt in receipts]

    return asyncio.run(run())
