"""The gate: reads the request's payment, quotes, and sells."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from errors import InternalError, MalformedPayment, PaymentRejected, PaymentState, ServiceError
from payments.deny_list import DenyList
from payments.idempotency import with_idempotency_key
from payments.ledger import Ledger
from payments.order import Order
from payments.payment_status import PaymentStatus, status_of_all
from payments.policy import SalePolicy
from payments.quotes import Quote, Quotes
from payments.rail import Credential, HeaderFields, PaymentAttempt, Rail
from payments.receipts.signed import ReceiptSigner, SignedReceipt
from payments.result_cache import ResultCache
from payments.sale import SaleRequest, SaleResult, Sales
from payments.sales_in_progress import SalesInProgress
from telemetry import PAYMENTS


class Gate:
    """The payment interface for an HTTP server, over several rails and one ledger.

    Args:
        rails: in the order of the quote.
        hosts, outage: see `Quotes`.
        clock: unix seconds.
        signer: signs receipts.
        denied: payers who are refused.

    Raises:
        ValueError: `hosts` contains an unknown rail.
    """

    def __init__(
        self,
        rails: tuple[Rail, ...],
        ledger: Ledger,
        *,
        policy: SalePolicy | None = None,
        hosts: Mapping[str, tuple[str, ...]] | None = None,
        recent: ResultCache | None = None,
        outage: Callable[[str], str | None] = lambda name: None,
        clock: Callable[[], float] = time.time,
        signer: ReceiptSigner | None = None,
        denied: DenyList | None = None,
    ) -> None:
        self._signer = signer
        self.rails = {rail.name: rail for rail in rails}
        self._ledger = ledger
        self._quotes = Quotes(self.rails, hosts=hosts or {}, outage=outage)
        self._in_progress = SalesInProgress()
        self._sales = Sales(
            self.rails,
            ledger,
            self._quotes,
            self._in_progress,
            policy=policy or SalePolicy(),
            results=recent or ResultCache(max_bytes=0),
            clock=clock,
            signer=signer,
            denied=denied,
        )

    async def quote(self, order: Order, host: str, rejection: str | None = None) -> Quote:
        """The quote for an order, see `Quotes.quote`."""
        return await self._quotes.quote(order, host, rejection)

    def read(self, headers: HeaderFields) -> PaymentAttempt | None:
        """The request's payment, if any.

        Raises:
            MalformedPayment: unreadable, or more than one.
            BadRequest: its `Idempotency-Key` is unreadable.
            PaymentRejected: unreadable, on a rail that responds to this with a quote. It has no payment state, because
                the state of an unreadable payment is not known.
        """
        found: list[PaymentAttempt] = []
        unreadable: list[PaymentRejected] = []
        for rail in self.rails.values():
            try:
                attempt = rail.read(headers)
            except PaymentRejected as refusal:
                unreadable.append(refusal)
            else:
                found += [attempt] if attempt else []
        if len(found) + len(unreadable) > 1:
            raise MalformedPayment("The request contains two different payments. Send one payment only.")
        if unreadable:
            raise unreadable[0].with_payment(None) from unreadable[0]
        if not found:
            return None
        return replace(found[0], credential=with_idempotency_key(found[0].credential, headers))

    async def status(self, headers: HeaderFields) -> PaymentStatus | None:
        """The ledger's status of the request's payment; None if it cannot be determined.

        Of several payments, the one that moved money counts.
        """
        found: list[Credential] = []
        unreadable = False
        for rail in self.rails.values():
            try:
                attempt = rail.read(headers)
            except ServiceError:
                unreadable = True
            else:
                found += [attempt.credential] if attempt else []
        status = await status_of_all(self._ledger, found)
        moves = status is not None and status.state in {PaymentState.IN_FLIGHT, PaymentState.SETTLED}
        return None if unreadable and not moves else status

    async def receipt(self, receipt_id: str) -> SignedReceipt | None:
        """The receipt with this id; None if there is none, or if receipts are not signed. Raises LedgerUnavailable."""
        entry = await self._ledger.find_receipt(receipt_id) if self._signer else None
        if self._signer is None or entry is None or entry.receipt is None or entry.sold is None:
            return None
        return self._signer.sign(entry.sold, entry.payment, entry.receipt)

    async def sell(self, request: SaleRequest) -> SaleResult:
        """Exchange a payment for finished work, see `sale.py`. The sale runs to completion even if the caller is
        cancelled."""
        return await self._in_progress.run(self._counted(request))

    async def _counted(self, request: SaleRequest) -> SaleResult:
        outcome = InternalError.code
        try:
            result = await self._sales.sell(request)
            outcome = "replayed" if result.replayed else "settled"
            return result
        except ServiceError as error:
            outcome = error.code
            raise
        finally:
            PAYMENTS.labels(request.attempt.credential.rail, outcome).inc()

    @property
    def is_settling(self) -> bool:
        """Whether a settlement is in progress."""
        return self._in_progress.is_settling

    def cut_short(self) -> None:
        """Cancel all sales whose settlement has not begun, because the service stops. Their payments stay valid."""
        self._in_progress.cut_short()

    async def aclose(self) -> None:
        """Wait for the sales in progress. Rails and ledger are closed by their owners."""
        await self._in_progress.wait()
