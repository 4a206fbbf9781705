"""The boot menu and README.CD: rendered from templates, and checked against the Xen they name."""

from __future__ import annotations

import re
import shlex
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2

from democd import layout
from democd.artifacts import Kernels
from democd.errors import BuildError, InputError, Mistakes
from democd.formats.xen_options import unknown_options
from democd.recipe import Recipe
from democd.recipe.keys import WELL_KNOWN_HASH

LOOPBACK_CFG = f"{layout.GRUB_FOLDER}/loopback.cfg"
SERIAL_UNITS = {"com1": 0, "com2": 1, "none": None}
README_WIDTH = 72
WELL_KNOWN = "xendemo"
"""The password that `WELL_KNOWN_HASH` is of."""
MEDIUM_ENTRIES = ("toram", "checkmedia")
"""Entries that say what is done with the medium; over a network there is none."""
HELP = "help"
"""The entry that is there though no recipe names it."""

_LEAD = re.compile(r" - | +\S+ {2,}| *")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.,:=/@%+^~-]+")
_VERSION = re.compile(r"\d+(?:\.\d+)*(?:-rc\d+)?")


def render(recipe: Recipe, kernels: Kernels, version: str, templates: Path) -> dict[str, str]:
    """Return the text of every menu file, by its path on the disc.

    Args:
        recipe: entries, consoles, memory, and options for every entry.
        kernels: what is booted; its Xen must know every option that an entry gives it.
        version: of the disc.
        templates: the folder with grub.cfg.j2.

    Raises:
        InputError: the default entry is not in the menu.
        Mistakes: Xen does not know an option: one for each, with the entries and the nearest name.
        BuildError: a template is wrong.
    """
    facts = _facts(recipe, kernels, version) | {"default": default_entry(recipe)}
    texts = {
        layout.GRUB_CFG: _render(templates, "grub.cfg.j2", facts),
        LOOPBACK_CFG: _render(templates, "loopback.cfg.j2", facts),
    }
    check_xen_options(texts[layout.GRUB_CFG], kernels)
    return texts


def netboot(recipe: Recipe, kernels: Kernels, version: str, templates: Path) -> dict[str, str]:
    """Return the menu for machines that are started over a network, by its path on the disc.

    It has the entries of the disc's own menu, but for those that are about a medium. Arguments and
    errors are those of `render`.
    """
    menu = recipe.menu
    about = replace(
        menu,
        entries=tuple(name for name in menu.entries if name not in MEDIUM_ENTRIES),
        more=tuple(name for name in menu.more if name not in MEDIUM_ENTRIES),
    )
    if menu.default in MEDIUM_ENTRIES:
        about = replace(about, default=(*about.entries, *about.more, HELP)[0])
    facts = _facts(replace(recipe, menu=about), kernels, version) | {
        "default": default_entry(replace(recipe, menu=about)),
        "net": True,
    }
    text = _render(templates, "netboot.cfg.j2", facts)
    check_xen_options(text, kernels)
    return {layout.NET_MENU: text}


def readme(recipe: Recipe, kernels: Kernels, version: str, builder: str, templates: Path) -> str:
    """Return the text of README.CD.

    Args:
        recipe: as for `render`.
        kernels: as for `render`.
        version: of the disc.
        builder: the name of the person who made it.
        templates: the folder with the template that the recipe names.

    Raises:
        Mistakes: it tells of an option that Xen does not know.
        BuildError: the template is wrong.
    """
    told: list[str] = []

    def xen_option(option: str) -> str:
        told.append(option)
        return option

    facts = _facts(recipe, kernels, version) | {
        "builder": builder,
        "xen_option": xen_option,
    }
    text = ascii_only(_render(templates, f"{recipe.disc.readme}.j2", facts))
    unknown = unknown_options(" ".join(told), kernels.xen_options)
    _refuse(kernels, {word: (near, ["README.CD"]) for word, near in unknown})
    return "\n".join(_wrapped(line) for line in text.splitlines()) + "\n"


def real_version(release: str) -> str:
    """Return the version in a kernel's release: `6.12.117+deb13-amd64` is `6.12.117`."""
    match = _VERSION.match(release)
    return match[0] if match else release


def default_entry(recipe: Recipe) -> str:
    """Return GRUB's name of the entry that is booted after the timeout.

    Raises:
        InputError: the menu has no such entry.
    """
    wanted = recipe.menu.default
    if wanted in recipe.menu.entries or wanted == HELP:
        return wanted
    if wanted in recipe.menu.more:
        return f"more>{wanted}"
    raise InputError(
        f"menu.default: the menu has no entry {wanted!r}",
        f"write one of {', '.join(recipe.menu.entries + recipe.menu.more)}",
    )


def _facts(recipe: Recipe, kernels: Kernels, version: str) -> dict[str, Any]:
    """Return what every template may use."""
    return {
        "paths": layout,
        "net": False,
        "command_line": layout.COMMAND_LINE,
        "disc": recipe.disc,
        "menu": recipe.menu,
        "console": recipe.console,
        "password": WELL_KNOWN if recipe.login.password_hash == WELL_KNOWN_HASH else "",
        "serial_unit": SERIAL_UNITS[recipe.console.serial],
        "dom0_mem": recipe.xen.dom0_mem,
        "xen_options": recipe.xen.options,
        "linux_options": recipe.linux.options,
        "sources": recipe.sources.enabled,
        "ramroot": bool(recipe.ramroot.programs),
        "xen_version": kernels.xen_version,
        "release": kernels.dom0.release,
        "v": real_version(kernels.dom0.release),
        "guest_release": kernels.guest.release,
        "version": version,
    }


def ascii_only(text: str) -> str:
    """Return a text without its accents and whatever else no plain terminal shows."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def quoted(text: str) -> str:
    """Return a text in GRUB's single quotes, in which nothing has a meaning."""
    return "'" + text.replace("'", "'\\''") + "'"


def word(text: str) -> str:
    """Return a text as one word of a GRUB command, quoted only where it must be."""
    return text if _PLAIN_WORD.fullmatch(text) else quoted(text)


def _render(templates: Path, name: str, facts: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"quoted": quoted, "word": word}
    try:
        text = environment.get_template(name).render(facts)
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename or error.name}, line {error.lineno}"
        raise BuildError(f"{where}: {error.message}", "correct the template") from None
    except jinja2.TemplateNotFound as error:
        raise BuildError(f"no template {templates / str(error.name)}", "write it") from None
    except jinja2.UndefinedError as error:
        raise BuildError(f"{templates / name}: {error.message}", "correct the template") from None
    tidy = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", tidy).strip() + "\n"


def _wrapped(line: str) -> str:
    """Return a line of README.CD in lines of its width; those that follow start below its text.

    The text of ` - item` and of `    word    meaning` starts after the dash, or the gap.
    """
    if len(line) <= README_WIDTH:
        return line
    lead = _LEAD.match(line)
    indent = " " * len(lead[0] if lead else "")
    return textwrap.fill(line, README_WIDTH, subsequent_indent=indent, break_on_hyphens=False)


# --- the options that Xen is given ---------------------------------------------------------------


def xen_lines(grub_cfg: str) -> list[tuple[str, str]]:
    """Return (entry, options) for each line of a menu that loads Xen.

    An entry is called by its `--id`. A `$name` stands for all values that the menu ever gives it.
    """
    values: dict[str, list[str]] = {}
    lines = []
    entry = ""
    for line in grub_cfg.splitlines():
        words = shlex.split(line, comments=True) if _parsed(line) else []
        if words[:1] == ["set"]:
            name, _, value = " ".join(words[1:]).partition("=")
            values.setdefault(name, []).append(value)
        elif words[:1] == ["menuentry"] and "--id" in words:
            entry = words[words.index("--id") + 1]
        elif words[:1] == ["multiboot2"]:
            lines.append((entry, words[2:]))
    return [
        (entry, " ".join(" ".join(values.get(w[1:], [])) if w[:1] == "$" else w for w in words))
        for entry, words in lines
    ]


def _parsed(line: str) -> bool:
    return line.split(maxsplit=1)[:1] in (["set"], ["menuentry"], ["multiboot2"])


def check_xen_options(grub_cfg: str, kernels: Kernels) -> None:
    """Check that Xen knows every option that a menu gives it.

    Xen itself only prints that it does not know one, and boots on without it.

    Raises:
        Mistakes: one for each unknown option.
    """
    found: dict[str, tuple[str, list[str]]] = {}
    for entry, options in xen_lines(grub_cfg):
        for unknown, near in unknown_options(options, kernels.xen_options):
            found.setdefault(unknown, (near, []))[1].append(f"entry {entry}")
    _refuse(kernels, found)


def _refuse(kernels: Kernels, unknown: Mapping[str, tuple[str, list[str]]]) -> None:
    """Raise Mistakes, if there is anything to refuse: option to (nearest name, where it stands)."""
    if unknown:
        raise Mistakes(
            [
                (
                    f"{', '.join(where)}: Xen {kernels.xen_version} has no option {option}",
                    f"did you mean {near}?" if near else "leave it out",
                )
                for option, (near, where) in unknown.items()
            ]
        )
