"""The broker's configuration as one text: `mosquitto.conf`, then the files it names.

    listener 1883
    allow_anonymous false
    password_file passwd
    #file: passwd
    operator:secret

Everything before the first `#file:` line is the configuration itself. Files are text, and their names relative.
"""

import re
from dataclasses import dataclass

from simulators.errors import at_line

LIMIT_BYTES = 256 * 1024
LIMIT_FILES = 32
_MARK = re.compile(r"#file:\s*(.*?)\s*")
_NAME = re.compile(r"(?=.{1,64}$)[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){0,2}")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class Section:
    """A file of the bundle. `line` is where its text begins, from 1."""

    name: str
    text: str
    line: int

    def lines(self) -> list[tuple[int, str]]:
        """Its lines with their number in the whole bundle, blank ones and comments left out."""
        numbered = enumerate(self.text.split("\n"), self.line)
        return [(number, row.strip()) for number, row in numbered if row.strip() and row.strip()[0] != "#"]


@dataclass(frozen=True)
class Bundle:
    """The configuration (`conf`) and the files by name."""

    conf: Section
    files: dict[str, Section]


def parse_bundle(text: str, name: str) -> Bundle:
    """Split the text, called `name` in errors.

    Raises:
        InputError: too long, a character or a file name that is refused, a file given twice.
    """
    rows = text.replace("\r\n", "\n").split("\n")
    _check_characters(text, rows, name)
    sections: dict[str, Section] = {}
    starts = [(0, "")] + [(at + 1, mark[1]) for at, row in enumerate(rows) if (mark := _MARK.fullmatch(row))]
    if len(starts) > LIMIT_FILES + 1:
        raise at_line(
            name,
            starts[-1][0],
            f"plus de {LIMIT_FILES} fichiers ; réunissez-les",
            f"more than {LIMIT_FILES} files; put some together",
        )
    for (start, file), (end, _) in zip(starts, [*starts[1:], (len(rows) + 1, "")], strict=True):
        if start:
            _check_name(file, start, sections, name)
        own = rows[start : end - 1]
        last = end == len(rows) + 1
        sections[file] = Section(
            file, "\n".join(own) if last else "".join(f"{row}\n" for row in own), start + 1
        )
    conf = sections.pop("")
    return Bundle(conf, sections)


def format_bundle(bundle: Bundle) -> str:
    """The text of which `parse_bundle` makes the same bundle."""
    text = bundle.conf.text
    for section in bundle.files.values():
        text += "\n" if text and text[-1] != "\n" else ""
        text += f"#file: {section.name}\n{section.text}"
    return text


def _check_characters(text: str, rows: list[str], name: str) -> None:
    if len(text) > LIMIT_BYTES:
        raise at_line(
            name,
            1,
            f"plus de {LIMIT_BYTES} caractères ; réduisez la configuration",
            f"more than {LIMIT_BYTES} characters; make the configuration smaller",
        )
    for number, row in enumerate(rows, 1):
        if found := _FORBIDDEN.search(row):
            code = f"U+{ord(found[0]):04X}"
            raise at_line(
                name,
                number,
                f"caractère interdit {code} ; supprimez-le",
                f"forbidden character {code}; remove it",
            )


def _check_name(file: str, line: int, sections: dict[str, Section], name: str) -> None:
    if not is_file_name(file):
        raise at_line(
            name,
            line,
            f"nom de fichier refusé « {file[:80]} » ; écrivez un nom relatif sans « .. », "
            "par exemple certs/serveur.crt",
            f"file name refused '{file[:80]}'; write a relative name without '..', "
            "for example certs/server.crt",
        )
    clash = next((other for other in sections if other and _clashes(file, other)), None)
    if clash is not None:
        raise at_line(
            name,
            line,
            f"le fichier {file} se heurte à {clash} ; gardez-en un",
            f"the file {file} clashes with {clash}; keep one",
        )


def is_file_name(file: str) -> bool:
    """Relative, at most three levels, and nothing hidden: it cannot leave the folder."""
    return _NAME.fullmatch(file) is not None


def _clashes(one: str, other: str) -> bool:
    """The same file, also where the file system ignores case, or one the folder of the other."""
    one, other = one.lower(), other.lower()
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")
