"""What the supervisor says of its labs, on its standard error: the log file where it was started in the background."""

import sys
from datetime import UTC, datetime

from simulators.text import Text


def note(text: Text) -> None:
    """One dated line, in the language of who started the supervisor."""
    when = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    sys.stderr.write(f"{when} {text}\n")
    sys.stderr.flush()
