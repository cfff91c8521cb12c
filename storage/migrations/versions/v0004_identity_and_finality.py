"""The ledger's identity, and settlements that are looked at again until they are final."""

import time
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Give the ledger its identity; what has settled before is due for a look at once."""
    table = op.create_table(
        "ledger",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.CheckConstraint("one = 1", name="ledger_one"),
    )
    op.bulk_insert(table, [{"one": 1, "id": str(uuid.uuid4()), "made_at": time.time()}])
    op.add_column("payments", sa.Column("recheck_at", sa.Double))
    op.add_column("payments", sa.Column("final_at", sa.Double))
    op.execute("UPDATE payments SET recheck_at = settled_at WHERE state = 'settled'")
    not_final = sa.text("state = 'settled' AND final_at IS NULL")
    op.create_index(
        "ix_payments_not_final", "payments", ["recheck_at"], sqlite_where=not_final, postgresql_where=not_final
    )


def downgrade() -> None:
    """Forget the identity, and which settlements are final."""
    op.drop_index("ix_payments_not_final", "payments")
    op.drop_column("payments", "final_at")
    op.drop_column("payments", "recheck_at")
    op.drop_table("ledger")
