"""The command `lab`: one file per command in `commands`, found by its place."""

import gettext
import os
from pathlib import Path

from simulators.text import language

# Before the command-line libraries are imported: they translate their own words when they are.
os.environ["LANGUAGE"] = language()
gettext.bindtextdomain("messages", str(Path(__file__).parent / "locale"))
