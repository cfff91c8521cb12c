"""Reconciliation: compares the ledger with the chains over a period."""

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
    """Kind of a difference."""

    NO_TRANSFER = "no_transfer"
    """A settled payment has no transfer on the chain."""
    NO_ROW = "no_row"
    """A transfer to us has no payment in the ledger."""
    NOT_SETTLED = "not_settled"
    """A transfer belongs to a payment that is not settled (yet)."""
    AMOUNT = "amount"
    """Ledger and chain have different amounts."""
    PAYER = "payer"
    """Ledger and chain have different payers."""
    TWO_TRANSFERS = "two_transfers"
    """A payment has several transfers."""
    TWO_ROWS = "two_rows"
    """A payment without its own transfer has the receipt of another payment."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between ledger and chain.

    Attributes:
        payment: id in the ledger; None if there is no row.
        transaction: hash on the chain, or in the row's receipt if the chain has none.
        ledger, chain: the two contents in words.
    """

    kind: Kind
    rail: str
    payment: str | None
    transaction: str | None
    ledger: str
    chain: str


class Books(Protocol):
    """The ledger's queries for reconciliation. Raises `LedgerUnavailable`."""

    async def settled_between(self, rail: str, since: float, until: float) -> list[Entry]:
        """SETTLED entries of a rail that were recorded from `since` (included) to `until` (excluded), unix seconds."""
        ...

    async def known_by(self, rail: str, references: Collection[str]) -> list[Entry]:
        """Entries of a rail, in any state, whose `reference_of` is one of these."""
        ...


def reference_of(payment: Payment) -> str:
    """The common key of a transfer and a payment: the transaction's hash if it is known before it is sent, else the
    payment's id."""
    return payment.transaction or payment.id


async def reconcile(rails: Collection[Rail], books: Books, *, since: float, until: float) -> list[Difference]:
    """All differences between the ledger and the chains of these rails.

    The time of a transfer is that of its block, the time of a row is when it was recorded. A counterpart outside the
    period is looked up there, so the ends of a period cause no differences. `until` should be some minutes in the past,
    because a settlement in progress is on one side only.

    Args:
        since, until: unix seconds; the period includes the first and not the second.

    Raises:
        RailUnavailable: a chain does not respond.
        LedgerUnavailable: the ledger does not respond.
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
        found += _compare(rows.get(reference) if reference else None, transfers)
    paid_for = {each.transaction for transfers in moved.values() for each in transfers if each.reference in rows}
    for entry in await books.settled_between(rail.name, since, until):
        if reference_of(entry.payment) not in moved:
            found += await _look_outside(rail, entry, paid_for)
    return found


def _compare(entry: Entry | None, transfers: list[Transfer]) -> Iterator[Difference]:
    """The differences between a payment and its transfers; None: the ledger has no such payment."""
    if entry is None:
        for each in transfers:
            yield Difference(Kind.NO_ROW, each.rail, None, each.transaction, "nothing", _amount(each))
        return
    for again in transfers[1:]:
        yield _differs(Kind.TWO_TRANSFERS, entry, again, "one payment", _amount(again))
    first = transfers[0]
    if entry.state is not State.SETTLED:
        yield _differs(Kind.NOT_SETTLED, entry, first, entry.state, _amount(first))
    if entry.payment.amount != first.amount:
        yield _differs(Kind.AMOUNT, entry, first, str(entry.payment.amount), str(first.amount))
    if entry.payment.payer.lower() != first.payer:
        yield _differs(Kind.PAYER, entry, first, entry.payment.payer, first.payer)


async def _look_outside(rail: Rail, entry: Entry, paid_for: Collection[str]) -> list[Difference]:
    """The difference of a settled row without a transfer in the period, unless its transfer is outside the period."""
    try:
        if await rail.find_receipt(entry.payment) is not None:
            return []
    except PaymentSpentElsewhere as used:
        if used.charged:  # a transfer to us, whoever sent it
            return []
    except PaymentOutcomeUnknown:
        pass  # the chain has no transfer (yet)
    transaction = entry.receipt.transaction if entry.receipt else None
    kind = Kind.TWO_ROWS if transaction in paid_for else Kind.NO_TRANSFER
    chain = "a transfer of another payment" if kind is Kind.TWO_ROWS else "no transfer"
    return [Difference(kind, rail.name, entry.payment.id, transaction, "settled", chain)]


def _differs(kind: Kind, entry: Entry, transfer: Transfer, ledger: str, chain: str) -> Difference:
    return Difference(kind, transfer.rail, entry.payment.id, transfer.transaction, ledger, chain)


def _amount(transfer: Transfer) -> str:
    return f"{transfer.amount} base units"
