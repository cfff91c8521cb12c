"""One purchase per idempotency key, and the payments that a payer has under way."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column with its rule, and the index."""
    op.add_column("payments", sa.Column("idempotency_key", sa.String))
    op.create_index("uq_payments_idempotency_key", "payments", ["idempotency_key"], unique=True)
    op.create_index(
        "ix_payments_under_way",
        "payments",
        ["payer"],
        sqlite_where=sa.text("state <> 'settled'"),
        postgresql_where=sa.text("state <> 'settled'"),
    )
