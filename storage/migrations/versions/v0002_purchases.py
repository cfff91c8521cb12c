"""One payment per purchase that its payer named, and the payments that a payer has under way."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column with its rule, and the index."""
    op.add_column("payments", sa.Column("purchase", sa.String))
    op.create_index("uq_payments_purchase", "payments", ["purchase"], unique=True)
    op.create_index(
        "ix_payments_under_way",
        "payments",
        ["payer"],
        sqlite_where=sa.text("state <> 'settled'"),
        postgresql_where=sa.text("state <> 'settled'"),
    )


def downgrade() -> None:
    """Forget how payers named their purchases."""
    op.drop_index("ix_payments_under_way", "payments")
    op.drop_index("uq_payments_purchase", "payments")
    op.drop_column("payments", "purchase")
