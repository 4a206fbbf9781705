"""The person's request: the variables of -D, checked one by one, and completed by the settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xendemo.addresses import words_of
from xendemo.conf import Settings, Template, printable
from xendemo.words import choice

TYPES = ("auto", "pv", "pvh")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")  # 63: what a host's name may have
IPV6 = re.compile(r"(?:^|:)ip=(?:[^:=]*,)?[0-9A-Fa-f]*(?::[0-9A-Fa-f]*){2,}(?:,|$)")
SIZE = re.compile(r"([0-9]{1,9})(M|MB|MiB|G|GB|GiB)?", re.IGNORECASE)
LEAST_MEMORY = 16  # MiB: below, not even kernel and initrd find room
MOST_VCPUS = 128
MOST_GUESTS = 1000

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """What is wanted, as far as nothing of the machine needs to be known.

    `values` has every variable as text; `name` has a `#` where a number is to be.
    """

    values: dict[str, str]
    template: Template
    name: str
    mem: int
    vcpus: int
    type: str
    ip: tuple[str, ...]
    count: int


def settle(
    settings: Settings, given: Sequence[str], count: int, micro: bool, mistakes: Pairs
) -> Request:
    """Return the request that the options of the command line make.

    Args:
        settings: of the file.
        given: the values of -D.
        count: how many domains.
        micro: kernel and initrd alone.
        mistakes: where (what is wrong, what to do) is put. If there is one, the request is only
            good for finding more.
    """
    values = {name: item.default for name, item in settings.variables.items()}
    if micro:
        values.update(settings.micro_defaults)
    values.update(_definitions(given, settings, mistakes))
    for name, value in values.items():
        if value is None:
            what = settings.variables[name].help
            mistakes.append((f"{name} must be given" + (f": {what}" if what else ""),
                             f"add -D {name}=…"))  # fmt: skip
    whole = {name: value or "" for name, value in values.items()}
    if not 1 <= count <= MOST_GUESTS:
        mistakes.append((f"--count {count} is not possible", f"write 1 to {MOST_GUESTS}"))
        count = 1
    return Request(
        values=whole,
        template=settings.micro if micro else settings.domain,
        name=_name(values["name"], count, mistakes),
        mem=_memory(values["mem"], mistakes),
        vcpus=_vcpus(values["vcpus"], mistakes),
        type=_type(values["type"], mistakes),
        ip=tuple(_ip(values["ip"], mistakes)),
        count=count,
    )


def _definitions(given: Sequence[str], settings: Settings, mistakes: Pairs) -> dict[str, str]:
    """Read the values of -D: `name=value`, `:` between several, backslash and `:` for a colon."""
    found: dict[str, str] = {}
    for text in given:
        if IPV6.search(text):
            mistakes.append((f"-D {text}: domains have IPv4 addresses only",
                             "write -D ip=A.B.C.D or a host name"))  # fmt: skip
            continue
        for part in re.split(r"(?<!\\):", text):
            name, equals, value = part.replace(r"\:", ":").partition("=")
            name = name.strip()
            if not equals:
                mistakes.append((f"-D {text}: '{part}' has no '='", "write -D name=value; a colon "
                                 "separates variables, \\: is one in a value"))  # fmt: skip
            elif name not in settings.variables:
                mistakes.append((f"-D {name}: unknown variable", choice(name, settings.variables)))
            elif name in found:
                mistakes.append((f"-D {name} is given twice", _twice(name)))
            elif not printable(value):
                mistakes.append((f"-D {name}: characters that a kernel's command line cannot hold",
                                 "write printable ASCII"))  # fmt: skip
            else:
                found[name] = value
    return found


def _twice(name: str) -> str:
    return "write all addresses in one: -D ip=A,B" if name == "ip" else "write it once"


def _name(text: str | None, count: int, mistakes: Pairs) -> str:
    if text is None:
        return "guest#"
    pattern = text if "#" in text or count == 1 else text + "#"
    example = pattern.replace("#", str(MOST_GUESTS), 1)
    if not NAME.fullmatch(example):
        mistakes.append((f"'{text}' cannot be a domain's name", "write 1 to 63 letters, digits and "
                         ". _ -, a letter or digit first; one # stands for a number"))  # fmt: skip
    elif example.isdecimal():
        mistakes.append((f"'{text}' would be taken for a domain's id", "begin it with a letter"))
    else:
        return pattern
    return "guest#"


def _memory(text: str | None, mistakes: Pairs) -> int:
    match = SIZE.fullmatch(text or "")
    size = int(match[1]) * (1024 if (match[2] or "M")[0] in "Gg" else 1) if match else 0
    if text is not None and not match:
        mistakes.append((f"mem={text} is no size", "write MiB, such as -D mem=96"))
    elif text is not None and size < LEAST_MEMORY:
        mistakes.append((f"mem={text} is too little for a kernel", f"write {LEAST_MEMORY} or more"))
    return size


def _vcpus(text: str | None, mistakes: Pairs) -> int:
    number = int(text) if text and text.isdecimal() and len(text) < 9 else 0
    if text is not None and not 1 <= number <= MOST_VCPUS:
        mistakes.append((f"vcpus={text} is not possible", f"write 1 to {MOST_VCPUS}"))
    return max(number, 1)


def _type(text: str | None, mistakes: Pairs) -> str:
    if text is not None and text not in TYPES:
        mistakes.append((f"type={text} is no type of domain", choice(text, TYPES)))
    return text if text in TYPES else TYPES[0]


def _ip(text: str | None, mistakes: Pairs) -> list[str]:
    words = words_of("auto" if text is None else text)
    if "" in words:
        mistakes.append((f"ip={text}: an address is missing", "write -D ip=A,B or -D ip=auto"))
    return [word for word in words if word]
