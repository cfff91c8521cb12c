"""Reconciliation: the ledger and the chains compared over a period, and every difference said."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from errors import PaymentOutcomeUnknown, PaymentSpentElsewhere
from payments.ledger import Entry, State
from payments.rail import Payment, Rail
from payments.transfers import Transfer


class Kind(StrEnum):
    """What differs."""

    NO_TRANSFER = "no_transfer"
    """The ledger says settled, and the chain shows no transfer for it."""
    NO_ROW = "no_row"
    """The chain shows a transfer to us, and the ledger has no payment for it."""
    NOT_SETTLED = "not_settled"
    """The chain shows the transfer of a payment that the ledger does not call settled (yet)."""
    AMOUNT = "amount"
    """Another amount moved than the ledger says."""
    PAYER = "payer"
    """Somebody else paid than the ledger says."""
    TWO_TRANSFERS = "two_transfers"
    """Several transfers belong to one payment."""
    TWO_ROWS = "two_rows"
    """A payment without a transfer of its own has the receipt of another payment."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between ledger and chain.

    Attributes:
        payment: id in the ledger; None if there is no row.
        transaction: hash on the chain or, where nothing is there, in the row's receipt.
        ledger, chain: what either says, in words.
    """

    kind: Kind
    rail: str
    payment: str | None
    transaction: str | None
    ledger: str
    chain: str


class Books(Protocol):
    """The ledger, as far as it is compared. Raises `LedgerUnavailable`."""

    async def settled_between(self, rail: str, since: float, until: float) -> list[Entry]:
        """SETTLED entries of a rail that were written down from `since` on and before `until`, unix seconds."""
        ...

    async def known_by(self, rail: str, references: Collection[str]) -> list[Entry]:
        """Entries of a rail, in any state, whose `reference_of` is one of these."""
        ...


def reference_of(payment: Payment) -> str:
    """What a transfer on the chain and a payment in the ledger have in common: the transaction's hash where it is known
    before it is sent, else the payment's id."""
    return payment.transaction or payment.id


async def reconcile(rails: Collection[Rail], books: Books, *, since: float, until: float) -> list[Difference]:
    """Every difference between the ledger and the chains of these rails.

    Transfers count by the time of their block, rows by the time at which they were written down. Whatever has its
    counterpart outside of the period is looked up there, so the ends of a period make no differences of their own. Give
    an end that lies some minutes back: what is being settled now is in one of both only.

    Args:
        since, until: unix seconds; the period includes the first and not the second.

    Raises:
        RailUnavailable: a chain does not answer.
        LedgerUnavailable: the ledger does not answer.
    """
    found: list[Difference] = []
    for rail in rails:
        found += await _reconcile(rail, books, since, until)
    return found


async def _reconcile(rail: Rail, books: Books, since: float, until: float) -> list[Difference]:
    moved: dict[str | None, list[Transfer]] = defaultdict(list)
    for transfer in await rail.transfers(since, until):
        moved[transfer.reference].append(transfer)
    rows = {reference_of(e.payment): e for e in await books.known_by(rail.name, [ref for ref in moved if ref])}
    found: list[Difference] = []
    for reference, transfers in moved.items():
        found += _of_transfers(rows.get(reference) if reference else None, transfers)
    paid_for = {each.transaction for transfers in moved.values() for each in transfers if each.reference in rows}
    for entry in await books.settled_between(rail.name, since, until):
        if reference_of(entry.payment) not in moved:
            found += await _of_lonely_row(rail, entry, paid_for)
    return found


def _of_transfers(entry: Entry | None, transfers: list[Transfer]) -> Iterator[Difference]:
    """What is wrong with the transfers of one payment; those that are of no payment have no entry."""
    if entry is None:
        for each in transfers:
            yield Difference(Kind.NO_ROW, each.rail, None, each.transaction, "nothing", _told(each))
        return
    for again in transfers[1:]:
        yield _differs(Kind.TWO_TRANSFERS, entry, again, "one payment", _told(again))
    first = transfers[0]
    if entry.state is not State.SETTLED:
        yield _differs(Kind.NOT_SETTLED, entry, first, entry.state, _told(first))
    if entry.payment.amount != first.amount:
        yield _differs(Kind.AMOUNT, entry, first, str(entry.payment.amount), str(first.amount))
    if entry.payment.payer.lower() != first.payer:
        yield _differs(Kind.PAYER, entry, first, entry.payment.payer, first.payer)


async def _of_lonely_row(rail: Rail, entry: Entry, paid_for: Collection[str]) -> list[Difference]:
    """A settled row without a transfer in the period: it may lie outside."""
    try:
        if await rail.find_receipt(entry.payment) is not None:
            return []
    except PaymentSpentElsewhere as used:
        if used.charged:  # a transfer to us nevertheless, by any sender
            return []
    except PaymentOutcomeUnknown:
        pass  # nothing of it is in the chain, though it may still come
    transaction = entry.receipt.transaction if entry.receipt else None
    kind = Kind.TWO_ROWS if transaction in paid_for else Kind.NO_TRANSFER
    chain = "a transfer of another payment" if kind is Kind.TWO_ROWS else "no transfer"
    return [Difference(kind, rail.name, entry.payment.id, transaction, "settled", chain)]


def _differs(kind: Kind, entry: Entry, transfer: Transfer, ledger: str, chain: str) -> Difference:
    return Difference(kind, transfer.rail, entry.payment.id, transfer.transaction, ledger, chain)


def _told(transfer: Transfer) -> str:
    return f"{transfer.amount} base units"
