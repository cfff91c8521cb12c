"""The outbox of the settlement key."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "transactions",
        sa.Column("chain_id", sa.BigInteger, primary_key=True),
        sa.Column("sender", sa.String, primary_key=True),
        sa.Column("nonce", sa.BigInteger, primary_key=True),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("to", sa.String, nullable=False),
        sa.Column("data", sa.String, nullable=False),
        sa.Column("max_fee", sa.String, nullable=False),
        sa.Column("max_tip", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.Double, nullable=False),
    )
    op.create_index("ix_transactions_reference", "transactions", ["reference"])


def downgrade() -> None:
    """Forget what the settlement key sent."""
    op.drop_table("transactions")
