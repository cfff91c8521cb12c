"""All transfers of the token to our address in a period, with their authorizations."""

from collections.abc import Iterator, Sequence

from errors import RailUnavailable
from payments.evm.abi import TRANSFER, address_in
from payments.evm.question import JsonRpc
from payments.evm.questions import Log, receipt
from payments.evm.transfers import LOG_SPAN, received
from payments.transfers import Transfer
from payments.x402.chain import AUTHORIZATION_USED
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import RAIL, payment_id


async def transfers_between(
    rpc: JsonRpc, terms: QuoteTerms, since: float, until: float, *, log_span: int = LOG_SPAN
) -> list[Transfer]:
    """The transfers in blocks from `since` (included) to `until` (excluded), unix seconds, oldest first; `log_span`
    blocks per search.

    Raises:
        RailUnavailable: the chain does not respond, or does not show all of its blocks.
    """
    return [
        await _transfer(rpc, terms, log, at)
        async for log, at in received(rpc, [terms.asset], terms.pay_to, since, until, span=log_span)
    ]


async def _transfer(rpc: JsonRpc, terms: QuoteTerms, log: Log, at: int) -> Transfer:
    found = await rpc.ask(receipt(log.transaction))
    if found is None:
        raise RailUnavailable("The chain does not show all of its blocks.")
    payer, nonce = address_in(log.topics[1]), dict(_authorizations(found.logs, log.address)).get(log.index)
    return Transfer(
        rail=RAIL,
        reference=None if nonce is None else payment_id(terms, payer, nonce),
        transaction=log.transaction,
        payer=payer,
        amount=int.from_bytes(log.data),
        at=at,
    )


def _authorizations(logs: Sequence[Log], token: str) -> Iterator[tuple[int, str]]:
    """Log index of each transfer by an authorization, and the authorization's nonce: the token's `Transfer` directly
    follows its `AuthorizationUsed`."""
    nonce: str | None = None
    for log in logs:
        if log.address != token:
            continue
        if log.topics[:1] == (TRANSFER,) and nonce is not None:
            yield log.index, nonce
        nonce = log.topics[2] if log.topics[:1] == (AUTHORIZATION_USED,) else None
