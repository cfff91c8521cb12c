"""`refund`: pays a settled payment back to its payer; the transfer is recorded before it is sent."""

import asyncio
import re
import time
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from config import Settings, load
from ops.access import Yes, confirm, fail, ledger, told
from ops.books import DECIMALS, coins
from payments import RailSection, Refund, Refunder, RefundStanding, open_refunder
from settings_types import account_of
from storage import Database, Record, RecordState, SqlRecords, SqlRefunds

_ADDRESS = re.compile("0x[0-9a-f]{40}")
_LOOK_EVERY_S = 1.0
_NOT_YET = {
    RecordState.CLAIMED: "has not been settled",
    RecordState.SETTLING: "is being settled",
    RecordState.IN_DOUBT: "is in doubt: `replay-doubt` asks the chain",
    RecordState.NOT_FINAL: "is not final yet: the chain could still drop it. Wait a few minutes",
    RecordState.ABANDONED: "moved no money",
}


@dataclass(frozen=True, slots=True)
class _Wish:
    """The options of `refund`."""

    amount: str | None
    key_file: Path | None
    send: bool
    wait_s: float
    replaced_by: str | None
    yes: bool


def refund(
    reference: Annotated[str, typer.Argument(help="A payment's id, or the hash of the transaction that paid.")],
    amount: Annotated[str | None, typer.Option(help="In tokens, such as 0.02. Default: the whole payment.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with the private key that signs the refund.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send the refund; without this, only print it.")] = False,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until the refund is final.")] = 300.0,
    replaced_by: Annotated[
        str | None,
        typer.Option(help="Hash of another transaction that used the nonce of a refund in progress, to give it up."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Refund a settled payment to its payer once, in whole or in part. Without --send, only print the transfer.

    The key may be of any account with enough tokens and gas, except the settlement key's. So no remote signer is asked,
    and the service does not need it. The signed transfer is recorded before it is sent: after a crash, the same command
    continues the same transfer. The exit code is 0 when the refund is final.

      python -m ops refund 0x… --key-file /run/secrets/refund_key --send
    """
    wish = _Wish(amount, key_file, send, wait_s, replaced_by, yes)

    async def run() -> None:
        settings = load()
        async with ledger(settings) as database:
            record, store = await _payment(database, reference), SqlRefunds(database)
            section = _section(settings, record)
            known = await store.find(record.entry.payment.id)
            async with open_refunder(section, store) as refunder:
                if known is None:
                    await _refund(refunder, section, record, wish)
                else:
                    await _go_on(refunder, record, known, wish)

    with told():
        asyncio.run(run())


async def _refund(refunder: Refunder, section: RailSection, record: Record, wish: _Wish) -> None:
    _check(record)
    payment, units = record.entry.payment, _units(wish.amount, record)
    key, sender = _key(wish.key_file, section)
    cost = await refunder.highest_cost(sender, payment.coin, payment.payer, units)
    typer.echo(
        f"Refund of {coins(units)} out of {coins(payment.amount)} paid, in {payment.coin} on "
        f"eip155:{section.chain_id}, from {sender} to {payment.payer}, for at most "
        f"{Decimal(cost).scaleb(-18).normalize():f} {section.gas_coin or 'dollars'} of gas."
    )
    if not wish.send:
        typer.echo("Nothing was sent. Pass --send to send it.")
        return
    confirm("Record and send it? It cannot be undone.", yes=wish.yes)
    made = await refunder.make(key, payment.id, payment.coin, payment.payer, units)
    await _until_final(refunder, made, wish.wait_s)


async def _go_on(refunder: Refunder, record: Record, known: Refund, wish: _Wish) -> None:
    """Continue a recorded refund."""
    if known.final_at is not None:
        fail(f"The payment is already refunded: {coins(known.amount)} by {known.hash}.")
    if wish.amount is not None and _units(wish.amount, record) != known.amount:
        fail(f"A refund of {coins(known.amount)} is in progress: {known.hash}. A payment can have one refund.")
    typer.echo(f"{_sentence(known)} It was recorded before.")
    if wish.replaced_by is not None:
        await refunder.give_up(known, wish.replaced_by)
        typer.echo("The refund is given up and can no longer move money. The payment can be refunded again.")
    elif wish.send:
        await _until_final(refunder, known, wish.wait_s)
    else:
        typer.echo("Nothing was done. Pass --send to continue it.")


async def _payment(database: Database, reference: str) -> Record:
    found = await SqlRecords(database).find(reference)
    if len(found) != 1:
        fail(f"{len(found)} payments have this id or transaction; exactly one must have it. See `payments list`.")
    return found[0]


def _section(settings: Settings, record: Record) -> RailSection:
    payment, receipt = record.entry.payment, record.entry.receipt
    section = next((section for info, section in settings.rails() if info.name == payment.rail), None)
    if section is None:
        fail(f"The rail {payment.rail!r} of this payment no longer exists.")
    if receipt is not None and receipt.network != f"eip155:{section.chain_id}":
        fail(f"The payment was made on {receipt.network}, but the settings name eip155:{section.chain_id}.")
    return section


def _check(record: Record) -> None:
    payment = record.entry.payment
    if record.state is not RecordState.FINAL:
        fail(f"The payment {_NOT_YET[record.state]}. Only settled and final payments can be refunded.")
    if not _ADDRESS.fullmatch(payment.payer.lower()):
        fail("The ledger does not have the payer's address.")
    if not _ADDRESS.fullmatch(payment.coin):
        fail("The ledger does not have the token of this payment.")


def _units(amount: str | None, record: Record) -> int:
    paid = record.entry.payment.amount
    if amount is None:
        return paid
    try:
        units = Decimal(amount).scaleb(DECIMALS)
        is_whole = units == units.to_integral_value()
    except InvalidOperation:
        is_whole = False
    if not (is_whole and 0 < units <= paid):
        fail(f"--amount must be positive, at most {coins(paid)} (the payment), with at most {DECIMALS} decimals.")
    return int(units)


def _key(file: Path | None, section: RailSection) -> tuple[str, str]:
    """The private key and its account."""
    if file is None:
        raise typer.BadParameter("pass --key-file FILE: a refund has a key of its own, and no remote signer is asked")
    try:
        key = file.read_text().strip()
        account = account_of(SecretStr(key))
    except (OSError, ValueError):
        fail(f"{file} must hold a 32-byte private key in hex.")
    if account in section.service_accounts:
        fail(f"{account} is the settlement key's account; the service assigns its nonces. Use another account.")
    return key, account


async def _until_final(refunder: Refunder, made: Refund, wait_s: float) -> None:
    until, told_of = time.monotonic() + wait_s, None
    while (standing := await refunder.pursue(made)) not in {RefundStanding.FINAL, RefundStanding.VOID}:
        if standing is not told_of:
            typer.echo(f"{made.hash} is {standing}.")
            told_of = standing
        if time.monotonic() > until:
            fail("It is not final yet. Run the same command again to continue the same transfer.")
        await asyncio.sleep(_LOOK_EVERY_S)
    if standing is RefundStanding.VOID:
        fail(f"{made.hash} was {standing}.")
    typer.echo(f"{_sentence(made)} It is final.")


def _sentence(made: Refund) -> str:
    return f"{coins(made.amount)} of {made.token} from {made.sender} to {made.recipient}, by {made.hash}."
