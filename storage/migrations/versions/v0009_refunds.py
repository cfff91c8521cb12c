"""Refunds: transfers back to payers."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
works_with = "0008"


def upgrade() -> None:
    """Earlier versions leave the table alone."""
    op.create_table(
        "refunds",
        sa.Column("payment_id", sa.String, primary_key=True),
        sa.Column("chain_id", sa.BigInteger, nullable=False),
        sa.Column("sender", sa.String, nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("amount", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("final_at", sa.Double),
        sa.UniqueConstraint("chain_id", "sender", "nonce", name="uq_refunds_chain_id"),
    )


def downgrade() -> None:
    """Back to the earlier version. What has been refunded stays on the chain, and the ledger forgets it: do not refund
    again what was refunded before."""
    op.drop_table("refunds")
