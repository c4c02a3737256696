"""An author's Markdown as HTML: no raw HTML, no image, headings below the page's own; wide parts scroll."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

HEADINGS_BELOW = 2  # the page's title is h1, its parts h2


class Renderer(RendererHTML):
    """Tables and code in places that scroll by keyboard; code with a button to copy it, where `env` gives a prefix."""

    def table_open(self, _tokens: Sequence[Token], _at: int, _options: Any, _env: Any) -> str:
        label = escape(gettext("Table"))
        return f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>\n'

    def table_close(self, _tokens: Sequence[Token], _at: int, _options: Any, _env: Any) -> str:
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], at: int, _options: Any, env: Any) -> str:
        code = escape(tokens[at].content)
        label = escape(gettext("Code"))
        if not env.get("prefix"):
            return f'<pre tabindex="0" role="region" aria-label="{label}"><code>{code}</code></pre>\n'
        place = f"{env['prefix']}-{at}"
        return (
            f'<div class="copied"><pre tabindex="0" role="region" aria-label="{label}"><code id="{place}">{code}</code></pre>'
            f'<button class="quiet copy" type="button" data-copy="{place}">{escape(gettext("Copy"))}</button></div>\n'
        )

    def code_block(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return self.fence(tokens, at, options, env)


_MARKDOWN = MarkdownIt("commonmark", {"html": False}, renderer_cls=Renderer).enable("table").disable("image")


def prose(text: str, prefix: str = "") -> Markup:
    """Paragraphs, lists, tables, code. A title above all else is left out: the page has its own.

    With `prefix`, which begins the ids, blocks of code can be copied.
    """
    tokens = _MARKDOWN.parse(text)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    _lower(tokens)
    # The renderer escapes all text, and `html` is off: what remains is markdown-it's own elements, and those above.
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {"prefix": prefix}))  # noqa: S704


def line(text: str) -> Markup:
    """One sentence: emphasis, code, links; no paragraph around it."""
    return Markup(_MARKDOWN.renderInline(text))  # noqa: S704 -- as above


def _lower(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + HEADINGS_BELOW - 1)}"
