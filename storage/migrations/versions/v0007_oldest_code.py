"""The database says which code works with it, so that an old version can tell while a new one is rolled out."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column, which the migration fills."""
    op.add_column("ledger", sa.Column("oldest_code", sa.String))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("ledger", "oldest_code")
