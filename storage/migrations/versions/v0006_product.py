"""What a payment bought, for the operator's books."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Unknown for earlier payments: the ledger has only a digest of their orders."""
    op.add_column("payments", sa.Column("product", sa.String))


def downgrade() -> None:
    """Forget what was bought."""
    op.drop_column("payments", "product")
