"""YAML that a trainee wrote, cut into documents that know their line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from simulators.errors import InputError
from simulators.yaml_problems import yaml_words

TITLE_MAX = 120


@dataclass(frozen=True)
class Document:
    line: int
    data: dict[str, Any]
    text: list[str]

    def line_of(self, word: str) -> int:
        """The line where the word stands first, else the document's own."""
        for number, text in enumerate(self.text):
            if word in text:
                return self.line + number
        return self.line


def read(text: str) -> Iterator[Document]:
    """Each YAML document with the line where it begins; an empty one is left out."""
    lines = text.splitlines()
    try:
        nodes = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
        loaded = [data for data in yaml.safe_load_all(text) if data is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        why = yaml_words(error)
        raise refused(line, f"YAML incorrect : {why.fr}", f"malformed YAML: {why.en}") from error
    except (yaml.YAMLError, ValueError) as error:
        why = yaml_words(error)
        raise refused(1, f"YAML incorrect : {why.fr}", f"malformed YAML: {why.en}") from error
    nodes = [node for node in nodes if not (isinstance(node, yaml.ScalarNode) and node.value == "")]
    if re.search(r"(^|[\s\[{,:-])[&*][A-Za-z0-9_]+", text) and _aliased(text):
        raise refused(1, "les ancres YAML (&, *) ne sont pas admises", "YAML anchors (&, *) are not allowed")
    for node, data in zip(nodes, loaded, strict=False):
        line = node.start_mark.line + 1
        if not isinstance(data, dict):
            raise refused(
                line, "une règle est un ensemble de « clé: valeur »", "a rule is a mapping of 'key: value'"
            )
        if "action" in data or "filter" in data:
            raise refused(
                line,
                "« action: » et « filter: » ne sont pas admis",
                "'action:' and 'filter:' are not allowed",
            )
        yield Document(line, _whole(data, line), lines[line - 1 : node.end_mark.line + 1])


def _whole(data: dict[str, Any], line: int) -> dict[str, Any]:
    """With the title and the log source that Sigma asks for, where they were left out."""
    title = str(data.get("title") or data.get("name") or f"#{line}")[:TITLE_MAX]
    source = {} if "correlation" in data else {"logsource": {"product": "usine-ecole"}}
    return source | data | {"title": title}


def _aliased(text: str) -> bool:
    tokens = yaml.scan(text, Loader=yaml.SafeLoader)
    return any(isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in tokens)


def refused(line: int, fr: str, en: str) -> InputError:
    return InputError(f"ligne {line} : {fr}", f"line {line}: {en}", line)
