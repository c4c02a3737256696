"""The database's versions: Alembic scripts in `versions`, run at start."""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, InterfaceError

from lab.store.database import Database
from simulators.errors import StartError
from simulators.os_errors import os_words

# Alembic's context belongs to the process; the database's own lock keeps other processes out.
_alone = threading.Lock()
_ADVISORY_KEY = 0x7573_696E


def upgrade(database: Database) -> None:
    """Bring the database to the newest version; from an empty one too, and beside another process that does.

    Raises:
        StartError: it cannot be reached, or is no database of ours; names the remedy.
    """
    try:
        with _alone, database.connection() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
            settings = configuration()
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
    except (DatabaseError, InterfaceError, OSError) as error:
        shown = database.url.render_as_string(hide_password=True)
        why = os_words(error)
        raise StartError(
            f"base {shown} inutilisable ({why.fr}) ; voyez la variable USINE_DATABASE",
            f"database {shown} cannot be used ({why.en}); see the variable USINE_DATABASE",
        ) from error


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings
