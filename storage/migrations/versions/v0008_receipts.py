"""What each payment bought, for the receipts that the service signs."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
works_with = "0007"


def upgrade() -> None:
    """Payments that settled before have no such receipt: what was delivered was not recorded."""
    op.add_column("payments", sa.Column("receipt_id", sa.String))
    op.add_column("payments", sa.Column("sold", sa.JSON(none_as_null=True)))
    op.create_index("uq_payments_receipt_id", "payments", ["receipt_id"], unique=True)


def downgrade() -> None:
    """Back to the earlier version, which signs no receipts; what they say is lost."""
    op.drop_index("uq_payments_receipt_id", "payments")
    op.drop_column("payments", "sold")
    op.drop_column("payments", "receipt_id")
