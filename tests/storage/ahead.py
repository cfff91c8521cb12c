"""The schema of a version to come: that of this one, and one further revision."""

from pathlib import Path

from storage.migrations.revisions import VERSIONS, Revisions

HEAD = Revisions().head
AHEAD = "9000"
EXPAND = 'op.add_column("payments", sa.Column("colour", sa.String, server_default="red"))'
"""A revision that only adds."""


def version_ahead(
    parent: Path, upgrade: str = EXPAND, downgrade: str = "raise NotImplementedError", *, works_with: str | None = HEAD
) -> tuple[Path, Path]:
    """The folders of its revisions, for `storage.migrate`.

    Args:
        upgrade, downgrade: what the further revision does.
        works_with: the oldest revision whose code works with it, as it says; None: it says nothing.
    """
    folder = parent / "ahead"
    folder.mkdir()
    declared = "" if works_with is None else f'works_with = "{works_with}"\n'
    (folder / "v9000_ahead.py").write_text(
        f'import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "{AHEAD}"\ndown_revision = "{HEAD}"\n'
        f"{declared}\n\ndef upgrade():\n    {upgrade}\n\n\ndef downgrade():\n    {downgrade}\n"
    )
    return VERSIONS, folder
