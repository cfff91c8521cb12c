"""Payments, locks and rate limits."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "payments",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("rail", sa.String, nullable=False),
        sa.Column("payer", sa.String, nullable=False),
        sa.Column("amount", sa.String, nullable=False),
        sa.Column("valid_before", sa.String, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("transaction_hash", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("order_digest", sa.String, nullable=False),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("deliveries", sa.Integer, nullable=False),
        sa.Column("receipt", sa.JSON),
        sa.Column("settled_at", sa.Double),
        sa.UniqueConstraint("transaction_hash", name="uq_payments_transaction_hash"),
        sa.CheckConstraint("state IN ('claimed', 'settling', 'settled')", name="payments_state"),
        sa.CheckConstraint("(state = 'settled') = (receipt IS NOT NULL)", name="payments_receipt"),
    )
    op.create_index(
        "ix_payments_in_doubt",
        "payments",
        ["lease_until"],
        sqlite_where=sa.text("state = 'settling'"),
        postgresql_where=sa.text("state = 'settling'"),
    )
    op.create_table(
        "locks",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("lease_until", sa.Double, nullable=False),
    )
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("ix_rate_limits_expires_at", "rate_limits", ["expires_at"])


def downgrade() -> None:
    """Remove the tables with everything in them."""
    for table in ("rate_limits", "locks", "payments"):
        op.drop_table(table)
