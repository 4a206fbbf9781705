"""Reads grub.cfg far enough to tell which files its entries name.

GRUB's language is a small shell (GRUB manual, "Writing full configuration files directly"). Only
words, quotes, comments and `set` are understood; conditions are not evaluated: what stands in
either branch must exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_OWN_DEVICES = {"($root)", "(${root})", "(loop)"}
_ONE_PATH = {
    "multiboot", "multiboot2", "module", "module2", "linux", "linux16", "linuxefi", "configfile",
    "source", ".", "loadfont", "background_image", "normal",
}  # fmt: skip
_BREAKS = {";", "then", "else", "do", "{", "}"}
_LANGUAGE = {"{", "}", "for", "in", "fi", "done", "function", "menuentry", "submenu"}
_OPENERS = {"if", "elif", "while", "until"}
_MANY_PATHS = {"initrd", "initrd16", "initrdefi"}


@dataclass(frozen=True)
class Named:
    """A file that a command names.

    Attributes:
        entry: title of the menu entry, "" outside of any.
        command: e.g. `module2`.
        path: on the disc; with a `$` where a variable is not known.
        line: number of the line, from 1.
    """

    entry: str
    command: str
    path: str
    line: int


def named_files(text: str) -> list[Named]:
    """Return every file of the disc that the menu's commands name, in order."""
    variables = {"prefix": "/boot/grub"}
    found: list[Named] = []
    entry, depth, entry_depth = "", 0, -1
    for number, words in _commands(text):
        if words[0] in ("menuentry", "submenu") and len(words) > 1:
            if words[0] == "menuentry":
                entry, entry_depth = words[1], depth
        elif words[0] == "set" and len(words) > 1 and "=" in words[1]:
            name, _, value = words[1].partition("=")
            variables[name] = _expand(value, variables)
        for word in _file_words(words):
            path = _on_disc(word, variables)
            if path:
                found.append(Named(entry, words[0], path, number))
        depth += words.count("{") - words.count("}")
        if depth <= entry_depth:
            entry, entry_depth = "", -1
    return found


def titles(text: str) -> list[str]:
    """Return the titles of the menu's entries, those in submenus too."""
    return [w[1] for _, w in _commands(text) if w[0] == "menuentry" and len(w) > 1]


def command_names(text: str) -> set[str]:
    """Return the names of the commands that a menu uses, but for the language's own words."""
    return {words[0] for _, words in _commands(text)} - _LANGUAGE


def _file_words(words: list[str]) -> list[str]:
    if words[0] in _ONE_PATH:
        return [word for word in words[1:] if not word.startswith("--")][:1]
    if words[0] in _MANY_PATHS:
        return [word for word in words[1:] if not word.startswith("--")]
    return []


def _on_disc(word: str, variables: dict[str, str]) -> str:
    """Return the path on the disc that a word names, or "" if it is on another drive."""
    for device in _OWN_DEVICES:
        word = word.removeprefix(device)
    path = _expand(word, variables)
    return path if path.startswith(("/", "$")) else ""


def _expand(word: str, variables: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[2], match[0])

    return _VARIABLE.sub(value, word)


def _commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, words) of each command; a brace is a word of its own."""
    words: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for word in _split(line):
            if word in _BREAKS:
                words += [word] if word in ("{", "}") else []
                if words:
                    yield number, words
                words = []
            elif word not in _OPENERS or words:
                words.append(word)
        if words and not line.endswith("\\"):
            yield number, words
            words = []


_TOKEN = re.compile(
    r"""(?P<comment>(?<!\S)\#.*) | (?P<space>\s+) | (?P<mark>[;{}](?=[\s;}]|$)) | (?P<backslash>\\$)
      | (?P<word>(?: '[^']*' | "(?:\\.|[^"\\])*" | \\. | \$\{\w+\} | [^\s;'"\\] )+)
      | (?P<other>.)""",
    re.VERBOSE,
)
_QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)""")


def _split(line: str) -> Iterator[str]:
    for match in _TOKEN.finditer(line):
        if match["mark"] or match["other"] == ";":
            yield match[0]
        elif match["word"]:
            yield _QUOTED.sub(_unquote, match["word"])


def _unquote(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    if match[3] is not None:
        return match[3]
    return re.sub(r"\\([$\"\\])", r"\1", match[2])
