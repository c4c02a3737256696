"""An error on its way over a wire, and back: `{"kind", "fr", "en"}`, and `line` where it is about one."""

from typing import Any

import msgspec

from simulators import errors
from simulators.errors import UsineError
from simulators.text import Text


def refusal(error: BaseException) -> dict[str, Any]:
    """What goes over the wire; a fault of ours is said as one."""
    if isinstance(error, UsineError):
        text = error.text
    elif isinstance(error, msgspec.MsgspecError):
        text = Text(
            fr="requête incorrecte ; voyez les verbes et leurs arguments dans simulators/control.py",
            en="malformed request; see the verbs and their arguments in simulators/control.py",
        )
    else:
        text = Text(
            fr=f"défaut interne : {error!r} ; voyez « lab logs »",
            en=f"internal fault: {error!r}; see 'lab logs'",
        )
    said: dict[str, Any] = {"kind": type(error).__name__, "fr": text.fr, "en": text.en}
    line = getattr(error, "line", None)
    return said if line is None else {**said, "line": line}


def refused(said: dict[str, Any]) -> UsineError:
    """The error that the other end met; of the root kind where it is none of `simulators.errors`."""
    kind = getattr(errors, said.get("kind", ""), None)
    if not (isinstance(kind, type) and issubclass(kind, UsineError)):
        kind = UsineError
    return kind(said["fr"], said["en"], said.get("line"))
