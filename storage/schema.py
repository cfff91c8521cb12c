"""The tables. A change here needs a revision in `migrations/versions/`; a test compares the two."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.sql.elements import ColumnElement


class Uint256(TypeDecorator[int]):
    """A uint256 as decimal text: an authorization may be valid until 2**256 - 1."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"}
)

ledger = Table(
    "ledger",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("id", String, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("oldest_code", String),
    CheckConstraint("one = 1", name="ledger_one"),
)
"""The identity of this ledger: one row, written by the migration that created the table. A copy keeps it.
Code from the revision `oldest_code` on works with the present schema (`migrations/revisions.py`)."""

payments = Table(
    "payments",
    metadata,
    Column("id", String, primary_key=True),
    Column("rail", String, nullable=False),
    Column("payer", String, nullable=False),
    Column("amount", Uint256, nullable=False),
    Column("valid_before", Uint256, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("transaction_hash", String),
    Column("state", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("order_digest", String, nullable=False),
    Column("holder", String, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("receipt", JSON(none_as_null=True)),
    Column("settled_at", Double),
    Column("purchase", String),
    Column("recheck_at", Double),
    Column("final_at", Double),
    Column("settling_since", Double),
    Column("product", String),
    Column("receipt_id", String),
    Column("sold", JSON(none_as_null=True)),
    UniqueConstraint("transaction_hash"),
    CheckConstraint("state IN ('claimed', 'settling', 'settled')", name="payments_state"),
    CheckConstraint("(state = 'settled') = (receipt IS NOT NULL)", name="payments_receipt"),
)
"""One row per payment in progress or settled. Times are unix seconds, amounts base units. `settled_at` is when the
ledger recorded the settlement; the 24 hours of re-delivery start then. A settlement is rechecked at `recheck_at` until
the chain can no longer drop it, recorded as `final_at`. `settling_since` is when it began or was lost again. `product`
is the model's name; versions before 0006 did not write it. `sold` is the content of the receipt `receipt_id`; versions
before 0008 did not write it."""


def is_in(state: str) -> ColumnElement[bool]:
    """Whether a payment is in a state, as a literal and not as a parameter.

    With a parameter PostgreSQL's generic plans would not use the partial indexes below, and SQLite would plan the
    statement for each execution, because the state decides which index helps: a claim took three times as long.
    """
    return payments.c.state == literal_column(f"'{state}'")


in_doubt = is_in("settling")
under_way = payments.c.state != text("'settled'")
not_final = text("state = 'settled' AND final_at IS NULL")
Index("ix_payments_not_final", payments.c.recheck_at, sqlite_where=not_final, postgresql_where=not_final)
Index("ix_payments_in_doubt", payments.c.lease_until, sqlite_where=in_doubt, postgresql_where=in_doubt)
Index("ix_payments_under_way", payments.c.payer, sqlite_where=under_way, postgresql_where=under_way)
Index("uq_payments_purchase", payments.c.purchase, unique=True)
Index("uq_payments_receipt_id", payments.c.receipt_id, unique=True)

refunds = Table(
    "refunds",
    metadata,
    Column("payment_id", String, primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("sender", String, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("token", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("amount", Uint256, nullable=False),
    Column("hash", String, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("final_at", Double),
    UniqueConstraint("chain_id", "sender", "nonce"),
)
"""One row per refund, from before it is sent; its payment is settled and final. Versions before 0009 made none."""

locks = Table(
    "locks",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("lease_until", Double, nullable=False),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("key", String, primary_key=True),
    Column("hits", Integer, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)

transactions = Table(
    "transactions",
    metadata,
    Column("chain_id", BigInteger, primary_key=True),
    Column("sender", String, primary_key=True),
    Column("nonce", BigInteger, primary_key=True),
    Column("reference", String, nullable=False, index=True),
    Column("hash", String, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("to", String, nullable=False),
    Column("data", String, nullable=False),
    Column("max_fee", Uint256, nullable=False),
    Column("max_tip", Uint256, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("sent_at", Double, nullable=False),
)
"""The outbox of the settlement key: one row per transaction, from before it is sent until it is final."""
