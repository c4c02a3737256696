"""What libyaml says of a text that it cannot read, in words for people."""

from simulators.text import Text

# Beginning of libyaml's or PyYAML's own words → ours.
_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "« : » inattendu ; mettez le texte entre guillemets ou vérifiez l'indentation",
        "unexpected ':'; put the text between quotes or check the indentation",
    ),
    (
        "block sequence entries are not allowed",
        "« - » inattendu ; mettez la liste sur ses propres lignes",
        "unexpected '-'; put the list on lines of its own",
    ),
    (
        "could not find expected ':'",
        "« : » manque après une clé ; écrivez clé: valeur",
        "':' is missing after a key; write key: value",
    ),
    (
        "expected ',' or '}'",
        "« , » ou « } » manque ; fermez l'accolade",
        "',' or '}' is missing; close the brace",
    ),
    (
        "expected ',' or ']'",
        "« , » ou « ] » manque ; fermez le crochet",
        "',' or ']' is missing; close the bracket",
    ),
    (
        "expected <block end>",
        "une clé manque ; vérifiez l'indentation et les guillemets",
        "a key is missing; check the indentation and the quotes",
    ),
    (
        "did not find expected ',' or '}'",
        "« , » ou « } » manque ; fermez l'accolade",
        "',' or '}' is missing; close the brace",
    ),
    (
        "did not find expected ',' or ']'",
        "« , » ou « ] » manque ; fermez le crochet",
        "',' or ']' is missing; close the bracket",
    ),
    (
        "did not find expected '-' indicator",
        "« - » manque ; vérifiez l'indentation de la liste",
        "'-' is missing; check the list's indentation",
    ),
    (
        "did not find expected key",
        "une clé manque ; vérifiez l'indentation et les guillemets",
        "a key is missing; check the indentation and the quotes",
    ),
    (
        "did not find expected node content",
        "une valeur manque ; écrivez-la",
        "a value is missing; write it",
    ),
    ("did not find expected <document start>", "texte en trop ; retirez-le", "surplus text; remove it"),
    ("expected a single document", "plusieurs documents ; gardez-en un", "several documents; keep one"),
    (
        "found a tab character",
        "tabulation dans l'indentation ; mettez des espaces",
        "a tab in the indentation; use spaces",
    ),
    (
        "found character",
        "signe ou tabulation que YAML réserve ; mettez des espaces ou des guillemets",
        "a sign or a tab that YAML keeps for itself; use spaces or quotes",
    ),
    (
        "found unexpected end of stream",
        "guillemet ou crochet jamais fermé ; fermez-le",
        "a quote or a bracket is never closed; close it",
    ),
    (
        "found unknown escape character",
        "« \\ » inconnu entre guillemets doubles ; prenez des guillemets simples",
        "unknown '\\' between double quotes; use single quotes",
    ),
    (
        "found undefined alias",
        "alias « * » sans son « & » ; mettez des guillemets",
        "alias '*' without its '&'; use quotes",
    ),
    (
        "found duplicate anchor",
        "ancre « & » écrite deux fois ; renommez-en une",
        "anchor '&' written twice; rename one",
    ),
    (
        "could not determine a constructor for the tag",
        "étiquette « ! » refusée ; retirez-la",
        "tag '!' refused; remove it",
    ),
    (
        "found unhashable key",
        "une clé doit être un texte ; mettez des guillemets",
        "a key must be a text; use quotes",
    ),
    (
        "control characters are not allowed",
        "caractère de contrôle ; retirez-le",
        "a control character; remove it",
    ),
    (
        "special characters are not allowed",
        "caractère de contrôle ; retirez-le",
        "a control character; remove it",
    ),
)
_OTHER = (
    "écriture inconnue ; vérifiez l'indentation et les guillemets",
    "unknown writing; check the indentation and the quotes",
)


def yaml_words(error: BaseException) -> Text:
    """What is wrong, and what to do about it."""
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    found = next((words for begins, *words in _WORDS if said.startswith(begins)), _OTHER)
    return Text(fr=found[0], en=found[1])
