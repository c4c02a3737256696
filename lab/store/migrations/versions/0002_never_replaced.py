"""SQLite: no event, and no evidence, is replaced either: `INSERT OR REPLACE` deletes without asking the triggers of 0001."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEYS = {"events": "id", "evidence": "event_id"}


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, key in KEYS.items():
        known = f"SELECT 1 FROM {table} WHERE {key} = NEW.{key}"  # noqa: S608 -- names of ours
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS ({known}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} only grow'); END"
        )
