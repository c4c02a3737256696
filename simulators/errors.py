"""The root of every error that a user may meet."""

from simulators.text import Text


class UsineError(Exception):
    """Names the thing and the remedy, in both languages; `str()` gives the reader's one.

    `line` is the 1-based line of the text that it is about, where it is about one line of a text: for editors.
    """

    def __init__(self, fr: str, en: str, line: int | None = None) -> None:
        super().__init__(fr, en)
        self.text = Text(fr=fr, en=en)
        self.line = line

    def __str__(self) -> str:
        return str(self.text)


class InputError(UsineError):
    """Something a person wrote (line file, configuration, program, command) cannot be used.

    `at` leads to it (keys and indices) from what was looked at, where that is known.
    """

    at: tuple[str | int, ...] = ()


def at_line(name: str, line: int, fr: str, en: str) -> InputError:
    """What is wrong at the 1-based `line` of a text called `name`: said by the words and carried by the error."""
    return InputError(f"{name}:{line} : {fr}", f"{name}:{line}: {en}", line)


class StartError(UsineError):
    """A device or a lab could not start."""


class NotFoundError(UsineError):
    """What was named does not exist here."""


class ToolMissingError(UsineError):
    """A program or a facility that this needs is not on this machine."""


class TimeLimitError(UsineError):
    """It was not done in time, and was ended."""
