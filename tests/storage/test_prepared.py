"""Statements executed by SQLite's driver: the same results, errors and conversions as with SQLAlchemy."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    Executable,
    bindparam,
    create_engine,
    delete,
    insert,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from storage import Database
from storage.entries import columns, entry_of, sold_columns
from storage.prepared import Prepared
from storage.sale_statements import SaleStatements, new
from storage.schema import locks, payments, transactions
from tests.contracts.ledger_entries import PAYMENT, RECEIPT, SOLD
from tests.contracts.outbox_contract import SENT

OF_NAME = locks.c.name == bindparam("of_name", type_=locks.c.name.type)


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    made = create_engine(make_url(sqlite_url), isolation_level="AUTOCOMMIT")
    yield made
    made.dispose()


def execute(engine: Engine, statement: Executable, **parameters: Any) -> tuple[list[Any], int]:
    prepared = Prepared.of(statement, engine.dialect)
    assert prepared
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        found, changed = prepared.execute(driver, parameters)  # type: ignore[arg-type] # of SQLite
    return list(found), changed


async def test_the_statements_of_a_sale_give_sqlalchemys_results(engine: Engine, sqlite_url: str) -> None:
    """Big numbers, JSON, NULL and binary values among them."""
    async with Database(sqlite_url) as database:
        sale = SaleStatements(database)
    payment = replace(PAYMENT, valid_before=2**256 - 1, evidence={"ä": '"\\'}, transaction=None)
    named = {"fingerprint": "f", "order_digest": "d", "holder": "h", "purchase": None, "product": "m"}
    claim = new(columns(payment) | named) | {"lease_s": 20.0, "covered": 1, "seen_holder": ""}
    taken, _ = execute(engine, sale.claim, **claim)
    assert [row.id for row in taken] == [payment.id]
    begun = {"is_id": payment.id, "is_holder": "h", "lease_s": 60.0} | new(sold_columns(SOLD))
    ends, _ = execute(engine, sale.begin_settlement, **begun)
    assert ends[0].lease_until > 1_700_000_000
    assert execute(engine, sale.settled, is_id=payment.id, paid=asdict(RECEIPT)) == ([], 1)
    assert execute(engine, sale.settled, is_id=payment.id, paid=asdict(RECEIPT)) == ([], 0)
    [found], _ = execute(engine, sale.find, wanted=payment.id)
    with engine.connect() as connection:
        known = connection.execute(select(payments)).one()
    assert {name: getattr(found, name) for name in known._mapping} == dict(known._mapping)
    entry = entry_of(found)
    assert (entry.payment.valid_before, entry.payment.evidence) == (2**256 - 1, payment.evidence)
    assert (entry.receipt, entry.sold) == (RECEIPT, SOLD)


def test_bytes_and_numbers_of_a_transaction_are_restored(engine: Engine) -> None:
    values = {f"new_{name}": value for name, value in asdict(SENT).items()}
    written = insert(transactions).from_select(
        list(transactions.c), select(*(bindparam(f"new_{each.name}", type_=each.type) for each in transactions.c))
    )
    assert execute(engine, written, **values)[1] == 1
    [row], _ = execute(
        engine, select(transactions).where(transactions.c.reference == bindparam("of")), of=SENT.reference
    )
    assert dict(row._mapping) == asdict(SENT)


def test_callables_in_a_statement_are_called_at_execution(engine: Engine) -> None:
    """A clock that replaces the database's is read each time; a constant is not."""
    moments = iter((1.0, 2.0))
    now = bindparam(None, callable_=lambda: next(moments), type_=locks.c.lease_until.type, unique=True)
    ended = update(locks).where(OF_NAME).values(lease_until=now, holder="nobody")
    execute(engine, insert(locks).values(name=bindparam("new_name"), holder="h", lease_until=0), new_name="one")
    for moment in (1.0, 2.0):
        assert execute(engine, ended, of_name="one") == ([], 1)
        [row], _ = execute(engine, select(locks).where(OF_NAME), of_name="one")
        assert (row.lease_until, row.holder) == (moment, "nobody")


def test_errors_are_sqlalchemys(engine: Engine) -> None:
    written = insert(locks).values(name=bindparam("new_name"), holder="", lease_until=0)
    execute(engine, written, new_name="0xWallet")
    with pytest.raises(IntegrityError) as twice:
        execute(engine, written, new_name="0xWallet")
    assert "Wallet" not in str(twice.value)
    with engine.connect() as connection:
        connection.execute(text("DROP TABLE locks"))
    with pytest.raises(OperationalError):
        execute(engine, written, new_name="two")
    with pytest.raises(KeyError):
        execute(engine, written)


@pytest.mark.parametrize(
    "statement",
    [
        text("SELECT :value"),
        select(locks).where(locks.c.name.in_(bindparam("names", expanding=True))),
        delete(locks).where(locks.c.name.in_(["one", "two"])),
    ],
)
def test_other_statements_are_left_to_sqlalchemy(engine: Engine, statement: Executable) -> None:
    """Their SQL depends on their values, or has no types of its parameters."""
    assert Prepared.of(statement, engine.dialect) is None
