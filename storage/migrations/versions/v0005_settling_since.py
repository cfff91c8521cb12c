"""When the settlement of a payment began, so that an operator sees how long a payment has been in doubt."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Of settlements that are under way only their lease is known; it ended shortly after they began, or ends soon."""
    op.add_column("payments", sa.Column("settling_since", sa.Double))
    op.execute("UPDATE payments SET settling_since = lease_until WHERE state = 'settling'")


def downgrade() -> None:
    """Forget when settlements began."""
    op.drop_column("payments", "settling_since")
