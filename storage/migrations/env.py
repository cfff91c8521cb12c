"""Alembic's entry point: runs the revisions on the connection that `migrate` opened and locked."""

from alembic import context

from storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
