"""Markup, made so that no text can become any: what is not `Markup` is escaped."""

from __future__ import annotations

import html

from pyrometer.client.render.terminal import escape


class Markup(str):
    """Markup of our own making."""

    __slots__ = ()


def tag(name: str, *content: str, **attributes: str) -> Markup:
    """An element. An attribute's name may end in `_`, and has `-` for every other one; an empty value leaves it out."""
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(words)}"' for key, words in attributes.items() if words
    )
    return Markup(f"<{name}{named}>{joined(*content)}</{name}>")


def joined(*parts: str) -> Markup:
    """Parts after each other."""
    return Markup("".join(part if isinstance(part, Markup) else _escaped(part) for part in parts))


def _escaped(words: str) -> str:
    """A text, with controls and direction marks spelled out, and without a way to end being one."""
    return html.escape(escape(words, keep="\n\t"))
