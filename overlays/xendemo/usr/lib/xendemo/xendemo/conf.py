"""Settings: /etc/xen/xendemo.conf or the file of -f, read, checked as a whole, and completed."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xendemo.addresses import why_not
from xendemo.defaults import BUILTIN
from xendemo.errors import InputError, Mistakes
from xendemo.words import choice

PATH = "/etc/xen/xendemo.conf"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
MEDIUM = "medium"  # {medium} in a template
LEAST_DOM0 = 128  # MiB; libxl takes no less from domain 0 (LIBXL_MIN_DOM0_MEM)
OURS = {
    "name": "the variable name", "memory": "the variable mem", "vcpus": "the variable vcpus",
    "type": "the variable type", "kernel": "[domain] kernel", "ramdisk": "[domain] ramdisk",
    "cmdline": "[domain] cmdline", "extra": "the variable extra", "root": "[domain] cmdline",
    "disk": "[domain] disk", "vif": "the variable ip",
}  # fmt: skip
"""Keys of an xl file that we write, and what to set in their place."""

XlValue = str | int | list[str]


@dataclass(frozen=True)
class Variable:
    """A variable: its default (None: compulsory) and its meaning."""

    default: str | None
    help: str


@dataclass(frozen=True)
class Template:
    """What a domain is made of, with {NAME} for values that are known later."""

    kernel: str
    ramdisk: str
    cmdline: str
    disk: tuple[str, ...]

    def texts(self) -> tuple[str, ...]:
        """Return all that may hold a {NAME}."""
        return (self.kernel, self.ramdisk, self.cmdline, *self.disk)


@dataclass(frozen=True)
class Settings:
    """All that a file settles: for a domain, for a micro domain, and for the machine."""

    source: str
    variables: Mapping[str, Variable]
    micro_defaults: Mapping[str, str]
    ranges: tuple[ipaddress.IPv4Network, ...]
    dom0_floor: int
    dom0_spare: int
    domain: Template
    micro: Template
    xl: Mapping[str, XlValue]


def load(path: str = PATH) -> Settings:
    """Read a file of settings.

    Raises:
        Mistakes: one for each wrong key or value.
        InputError: it cannot be read, or is not TOML.
    """
    try:
        with open(path, "rb") as file:
            return judge(tomllib.load(file), path)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}", "strings need quotes: name = '…'") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error.reason}", "is it a text file?") from None
    except OSError as error:
        there = f"the disc's own is {PATH}" if path != PATH else "-f FILE takes another"
        raise InputError(f"{path}: {os.strerror(error.errno or 0)}", there) from None


def judge(given: Mapping[str, Any], source: str) -> Settings:
    """Return the settings of a file's content.

    Raises:
        Mistakes: one for each wrong key or value.
    """
    judge = _Judge(source)
    tables = {name: judge.table(name, given) for name in BUILTIN}
    judge.unknown("", given, BUILTIN, "section")
    variables = judge.variables(tables["variables"])
    ranges = judge.checked("network", tables["network"], {"addresses": _ranges})
    floor = {"dom0_floor": _at_least(LEAST_DOM0), "dom0_spare": _at_least(0)}
    memory = judge.checked("memory", tables["memory"], floor)
    domain = judge.checked("domain", tables["domain"], TEMPLATE)
    micro = judge.micro(tables["micro"], variables)
    xl = judge.xl(tables["xl"])
    if not judge.pairs:
        full, small = Template(**domain), Template(**{**domain, **micro[0]})
        for section, template in (("domain", full), ("micro", small)):
            judge.places(section, template, variables)
    if judge.pairs:
        raise Mistakes(judge.pairs)
    return Settings(
        source, variables, micro[1], ranges["addresses"], **memory, domain=full, micro=small, xl=xl
    )


class Wrong(Exception):
    """A value is wrong: (what, remedy)."""


Check = Callable[[Any], Any]


class _Judge:
    """Collects what is wrong with a file."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.pairs: list[tuple[str, str]] = []

    def wrong(self, where: str, what: str, remedy: str) -> None:
        self.pairs.append((f"{self.source}: {where}{what}", remedy))

    def unknown(self, section: str, given: Mapping[str, Any], known: Any, kind: str) -> None:
        for key in given:
            if key not in known:
                self.wrong(section, f"{key}: unknown {kind}", choice(key, known))

    def table(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a section: the file's own lines over ours."""
        table = given.get(name, {})
        if not isinstance(table, dict):
            self.wrong("", f"{name} is no section", f"write [{name}] and its settings below")
            table = {}
        return {**BUILTIN[name], **table}

    def checked(
        self, section: str, table: Mapping[str, Any], checks: Mapping[str, Check]
    ) -> dict[str, Any]:
        """Return the values of a section whose keys are all known."""
        self.unknown(f"[{section}] ", table, checks, "setting")
        values = {}
        for key, check in checks.items():
            if key not in table:
                continue
            try:
                values[key] = check(table[key])
            except Wrong as wrong:
                self.wrong(f"[{section}] {key}: ", *wrong.args)
        return values

    def variables(self, table: Mapping[str, Any]) -> dict[str, Variable]:
        found = {}
        for name, item in table.items():
            where = f"[variables] {name}: "
            remedy = f'write {name} = {{ default = "…", help = "…" }}'
            if not NAME.fullmatch(name) or name in TEMPLATE or name == MEDIUM:
                self.wrong(where, "cannot be a variable's name", "letters, digits and _, no digit "
                           f"first; not {', '.join([*TEMPLATE, MEDIUM])}")  # fmt: skip
            elif not isinstance(item, dict) or not isinstance(item.get("help", ""), str):
                self.wrong(where, "is no variable", remedy)
            else:
                self.unknown(where, item, ("default", "help"), "setting")
                try:
                    default = _default(item["default"]) if "default" in item else None
                except Wrong as wrong:
                    self.wrong(where + "default: ", *wrong.args)
                    continue
                found[name] = Variable(default, item.get("help", ""))
        return found

    def micro(
        self, table: Mapping[str, Any], variables: Mapping[str, Variable]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what --micro changes: parts of the template, and defaults of variables."""
        defaults = dict.fromkeys(variables, _default)
        values = self.checked("micro", table, {**TEMPLATE, **defaults})
        return (
            {key: value for key, value in values.items() if key in TEMPLATE},
            {key: value for key, value in values.items() if key in defaults},
        )

    def xl(self, table: Mapping[str, Any]) -> dict[str, XlValue]:
        for key in table:
            if key in OURS:
                self.wrong(f"[xl] {key}: ", "xendemo writes this line", f"set {OURS[key]}")
            elif not NAME.fullmatch(key):
                self.wrong(f"[xl] {key}: ", "is no key of an xl file", "see xl.cfg(5)")
        others = {key: _xl_value for key in table if key not in OURS}
        return self.checked("xl", {key: table[key] for key in others}, others)

    def places(self, section: str, template: Template, variables: Mapping[str, Variable]) -> None:
        for text in template.texts():
            for name in PLACE.findall(text):
                if name not in variables and name != MEDIUM:
                    self.wrong(
                        f"[{section}] ",
                        f"{{{name}}}: unknown variable, in '{text}'",
                        choice(name, [*variables, MEDIUM]),
                    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("must be a string", 'write "…"')
    if not printable(value):
        raise Wrong("holds characters that xl cannot read", "write printable ASCII on one line")
    return value


def printable(text: str) -> bool:
    """Tell whether a text can stand in an xl file and on a kernel's command line."""
    return text.isascii() and (text.isprintable() or not text)


def _path(value: Any) -> str:
    if not _text(value).startswith(("/", "{")):
        raise Wrong(f"'{value}' is no whole path", "write it from / on")
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Wrong("must be a list of strings", 'write ["…", "…"]; [] for none')
    return tuple(_text(item) for item in value)


def _default(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Wrong("must be a string or a whole number", 'write "…", or leave it out: compulsory')
    return _text(str(value))


def _xl_value(value: Any) -> XlValue:
    if isinstance(value, bool):
        return int(value)  # xl has no other
    if isinstance(value, int):
        return value
    return list(_texts(value)) if isinstance(value, list) else _text(value)


def _at_least(least: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise Wrong(f"{value!r} is not possible", f"write a whole number of {least} or more")
        return value

    return check


def _ranges(value: Any) -> tuple[ipaddress.IPv4Network, ...]:
    remedy = 'write networks, such as ["10.84.0.0/16"], from /8 to /30'
    if not isinstance(value, list) or not value:
        raise Wrong("must be a list of networks", remedy)
    found = []
    for item in value:
        try:
            network = ipaddress.IPv4Network(item)
        except (ValueError, TypeError) as error:
            raise Wrong(f"{item!r} is no network: {error}", remedy) from None
        if not isinstance(item, str) or not 8 <= network.prefixlen <= 30:
            raise Wrong(f"{item!r} is no network to hand out", remedy)
        reason = why_not(network[0]) or why_not(network[-1])
        if reason or network.is_link_local:
            raise Wrong(f"{item!r}: {reason or 'link-local addresses come by themselves'}", remedy)
        found.append(network)
    return tuple(found)


TEMPLATE: dict[str, Check] = {"kernel": _path, "ramdisk": _path, "cmdline": _text, "disk": _texts}
