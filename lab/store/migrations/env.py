"""Run by Alembic: with the connection that `upgrade` gives, or offline to print the statements."""

from alembic import context

from lab.store.tables import Table

connection = context.config.attributes.get("connection")
context.configure(connection=connection, target_metadata=Table.metadata, transactional_ddl=True)
context.run_migrations()
