"""The drawing of a line: its own `mimic.svg`, served inside the page."""

import re
from pathlib import Path

from markupsafe import Markup

PROLOGUE = re.compile(r"\A\s*(<\?xml.*?\?>|<!--.*?-->|<!DOCTYPE.*?>|\s+)*", re.DOTALL)


def drawing(lines: Path, line_id: str) -> Markup | None:
    """The `<svg>` of `line_id`, None where it has none: the page then draws a plain one from the tags.

    A line's folder is as trusted as its programs; the page's policy runs no script that it might hold.
    """
    path = lines / line_id / "mimic.svg"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return None
    return Markup(PROLOGUE.sub("", text, count=1))  # noqa: S704 -- see above
