"""All transfers of the accepted tokens to our address in a period."""

from payments.evm.abi import address_in
from payments.evm.question import JsonRpc
from payments.evm.transfers import LOG_SPAN, received
from payments.mpp.wire import RAIL
from payments.transfers import Transfer


async def transfers_between(
    rpc: JsonRpc,
    since: float,
    until: float,
    *,
    recipient: str,
    currencies: tuple[str, ...],
    log_span: int = LOG_SPAN,
) -> list[Transfer]:
    """The transfers in blocks from `since` (included) to `until` (excluded), unix seconds, oldest first; `log_span`
    blocks per search. A payment's reference is the hash of its transaction.

    Raises:
        RailUnavailable: the chain does not respond.
    """
    return [
        Transfer(
            rail=RAIL,
            reference=log.transaction,
            transaction=log.transaction,
            payer=address_in(log.topics[1]),
            amount=int.from_bytes(log.data),
            at=at,
        )
        async for log, at in received(rpc, currencies, recipient, since, until, span=log_span)
    ]
