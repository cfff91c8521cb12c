"""`refund`: a settled payment's money goes back to its payer, recorded before it is sent."""

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
    RecordState.NOT_FINAL: "is not final yet: the chain could still drop it. Wait some minutes",
    RecordState.ABANDONED: "moved nothing",
}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for; see the options of `refund`."""

    amount: str | None
    key_file: Path | None
    send: bool
    wait_s: float
    replaced_by: str | None
    yes: bool


def refund(
    reference: Annotated[str, typer.Argument(help="A payment's id, or the hash of the transaction that paid.")],
    amount: Annotated[str | None, typer.Option(help="In coins, such as 0.02; without it all that was paid.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with the private key that pays it back.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Do it; without this, only say what would be done.")] = False,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until it is final.")] = 300.0,
    replaced_by: Annotated[
        str | None,
        typer.Option(help="Hash of another transaction that took the nonce of a refund under way, which is given up."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Pay a settled payment back to its payer, wholly or in part, once. Says only what it would do without --send.

    The key is of any account with enough of the token and gas, never the settlement key's; the service does not need
    it. The signed transfer is recorded before it is sent: after a crash run the same command again, and the same
    transfer goes on. Exit code 0 once the refund is final.

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
        f"{coins(units)} of {coins(payment.amount)} that were paid, in {payment.coin} on eip155:{section.chain_id}, go "
        f"from {sender} to {payment.payer}, for at most {Decimal(cost).scaleb(-18).normalize():f} "
        f"{section.gas_coin or 'dollars'} of gas."
    )
    if not wish.send:
        typer.echo("Nothing was sent. Add --send.")
        return
    confirm("Record and send it? It cannot be taken back.", yes=wish.yes)
    made = await refunder.make(key, payment.id, payment.coin, payment.payer, units)
    await _until_final(refunder, made, wish.wait_s)


async def _go_on(refunder: Refunder, record: Record, known: Refund, wish: _Wish) -> None:
    """With a refund that was recorded before."""
    if known.final_at is not None:
        fail(f"The payment was refunded already: {coins(known.amount)} by {known.hash}.")
    if wish.amount is not None and _units(wish.amount, record) != known.amount:
        fail(f"A refund of {coins(known.amount)} is under way: {known.hash}. A payment has one refund.")
    typer.echo(f"{_sentence(known)} It was recorded before.")
    if wish.replaced_by is not None:
        await refunder.give_up(known, wish.replaced_by)
        typer.echo("The refund is given up: it cannot move any more. The payment can be refunded anew.")
    elif wish.send:
        await _until_final(refunder, known, wish.wait_s)
    else:
        typer.echo("Nothing was done. Add --send to go on with it.")


async def _payment(database: Database, reference: str) -> Record:
    found = await SqlRecords(database).find(reference)
    if len(found) != 1:
        fail(f"{len(found)} payments have this id or transaction; it must be one. See `payments list`.")
    return found[0]


def _section(settings: Settings, record: Record) -> RailSection:
    payment, receipt = record.entry.payment, record.entry.receipt
    section = next((section for info, section in settings.rails() if info.name == payment.rail), None)
    if section is None:
        fail(f"There is no rail {payment.rail!r} any more.")
    if receipt is not None and receipt.network != f"eip155:{section.chain_id}":
        fail(f"The payment was made on {receipt.network}, and the settings name eip155:{section.chain_id}.")
    return section


def _check(record: Record) -> None:
    payment = record.entry.payment
    if record.state is not RecordState.FINAL:
        fail(f"The payment {_NOT_YET[record.state]}. Only what is settled and final can be refunded.")
    if not _ADDRESS.fullmatch(payment.payer.lower()):
        fail("The ledger does not know the payer's address.")
    if not _ADDRESS.fullmatch(payment.coin):
        fail("The ledger does not know in which token it was paid.")


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
        fail(f"--amount must be positive, at most the {coins(paid)} that were paid, with {DECIMALS} decimals at most.")
    return int(units)


def _key(file: Path | None, section: RailSection) -> tuple[str, str]:
    """The private key and its account."""
    if file is None:
        raise typer.BadParameter("give --key-file FILE")
    try:
        key = file.read_text().strip()
        account = account_of(SecretStr(key))
    except (OSError, ValueError):
        fail(f"{file} must hold a private key: 32 bytes in hex.")
    if account in section.service_accounts:
        fail(f"{account} is the settlement key's account, whose transactions the service numbers. Use another one.")
    return key, account


async def _until_final(refunder: Refunder, made: Refund, wait_s: float) -> None:
    until, told_of = time.monotonic() + wait_s, None
    while (standing := await refunder.pursue(made)) not in {RefundStanding.FINAL, RefundStanding.VOID}:
        if standing is not told_of:
            typer.echo(f"{made.hash} is {standing}.")
            told_of = standing
        if time.monotonic() > until:
            fail("It is not final yet. Run the same command again: the same transfer goes on.")
        await asyncio.sleep(_LOOK_EVERY_S)
    if standing is RefundStanding.VOID:
        fail(f"{made.hash} was {standing}.")
    typer.echo(f"{_sentence(made)} It is final.")


def _sentence(made: Refund) -> str:
    return f"{coins(made.amount)} of {made.token} from {made.sender} to {made.recipient}, by {made.hash}."
