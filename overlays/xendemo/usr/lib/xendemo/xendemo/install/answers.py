"""Files of answers, for installations that nobody sits in front of."""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xendemo.errors import Failure, InputError, Mistakes
from xendemo.install.options import ENDS, WAYS, Options, Pairs, judge, parse_size
from xendemo.words import choice

LARGEST = 1 << 20  # bytes of a file of answers
WAIT = 30  # seconds for a server to answer
TRIES = 10  # while the network comes up
PAUSE = 3  # seconds between them
WORD = "answers="  # on the kernel's command line
PLACE = re.compile(r"(/dev/[^:]+|(?:LABEL|UUID|PARTUUID|PARTLABEL)=[^:]+):(/.+)")
Check = Callable[[Any], Any]


class Wrong(Exception):
    """A value is not possible: why, and what to write."""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise Wrong("must be a string on one line", 'write "…"')
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("must be true or false", "without quotes")
    return value


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Wrong("must be a size", 'write "2G", or a number of bytes')
    try:
        return parse_size(str(value))
    except ValueError as error:
        raise Wrong(str(error), 'write "2G", or a number of bytes') from None


def _bytes(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise Wrong("must be an exact number of bytes", "see: lsblk --bytes")
    return value


def _way(value: Any) -> str:
    if value not in WAYS:
        raise Wrong(f"'{value}' is no way to install", choice(str(value), WAYS))
    return str(value)


def _end(value: Any) -> str:
    if value not in ENDS:
        raise Wrong(f"'{value}' is nothing that the machine can do", choice(str(value), ENDS))
    return str(value)


# Section, key: the option's field, and its check. Every question of the dialog has a key here.
KEYS: dict[tuple[str, str], tuple[str, Check]] = {
    ("install", "way"): ("way", _way),
    ("install", "target"): ("target", _text),
    ("install", "remove"): ("remove", _flag),
    ("install", "disc"): ("disc", _text),
    ("install", "end"): ("end", _end),
    ("install", "dry_run"): ("dry_run", _flag),
    ("install", "check"): ("check", _flag),
    ("disk", "serial"): ("serial", _text),
    ("disk", "size"): ("size", _bytes),
    ("disk", "wipe"): ("wipe", _flag),
    ("disk", "separate_usr"): ("separate_usr", _flag),
    ("disk", "swap"): ("swap", _size),
    ("system", "hostname"): ("hostname", _text),
    ("system", "password_hash"): ("password_hash", _text),
    ("system", "guests"): ("guests", _flag),
    ("boot", "default"): ("default", _flag),
    ("boot", "linux"): ("boot", _text),
}
SECTIONS = tuple(dict.fromkeys(section for section, _ in KEYS))
SPELLED = {field: f"[{section}] {key}" for (section, key), (field, _) in KEYS.items()} | {
    way: f'way = "{way}"' for way in WAYS
}


@dataclass(frozen=True)
class Place:
    """Where a file of answers lies on a device that is not mounted."""

    device: str
    path: str


def read(text: str, source: str) -> Options:
    """Return what a file of answers wants.

    Args:
        text: the file, in TOML.
        source: its name, for complaints.

    Raises:
        Mistakes: one for each wrong key or value.
        InputError: it is no TOML.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source}: {error}", "it must be TOML; see xendemo-install(1)") from None
    mistakes: Pairs = []
    values = _values(tables, mistakes)
    for key in ("way", "target"):
        if key not in values and not any(f"[install] {key}" in pair[0] for pair in mistakes):
            mistakes.append((f"[install] {key} is missing", "it is the one thing not guessed"))
    if values.pop("wipe", False):
        values["wipe"] = values.get("target", "")
    if not mistakes:
        options = Options(**values, unattended=True, confirm=values["target"])
        mistakes = judge(options, SPELLED)
        if not mistakes:
            return options
    raise Mistakes([(f"{source}: {message}", hint) for message, hint in mistakes])


def _values(tables: Mapping[str, Any], mistakes: Pairs) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for section, table in tables.items():
        if section not in SECTIONS:
            mistakes.append((f"[{section}]: unknown section", choice(section, SECTIONS)))
            continue
        if not isinstance(table, dict):
            mistakes.append((f"{section} must be a section", f"write [{section}]"))
            continue
        known = [key for its, key in KEYS if its == section]
        for key, value in table.items():
            if key not in known:
                mistakes.append((f"[{section}] {key}: unknown key", choice(key, known)))
                continue
            field, check = KEYS[section, key]
            try:
                values[field] = check(value)
            except Wrong as wrong:
                mistakes.append((f"[{section}] {key}: {wrong.args[0]}", wrong.args[1]))
    return values


def from_command_line(words: str) -> str:
    """Return what `answers=` names on the kernel's command line; the last one counts.

    Raises:
        InputError: there is none.
    """
    named = [word[len(WORD) :] for word in words.split() if word.startswith(WORD)]
    if not named or not named[-1]:
        raise InputError(f"the kernel's command line has no {WORD}", "see xendemo-install(1)")
    return named[-1]


def place(name: str) -> Place | str:
    """Return what a name means: a place on a device, or a URL or path as it is.

    Raises:
        InputError: it means nothing.
    """
    if match := PLACE.fullmatch(name):
        return Place(match[1], match[2])
    if name.startswith(("http://", "https://")):
        return name
    if name.startswith("/") and not name.startswith("/dev/"):
        return name
    raise InputError(
        f"{name}: neither a URL nor a file on a device",
        "write http://SERVER/PATH, /dev/sdb1:/PATH or LABEL=NAME:/PATH",
    )


# --- acts -----------------------------------------------------------------------------------------


def fetch(name: str) -> str:
    """Return the text of a file of answers, from wherever it is.

    Raises:
        InputError, Failure: it cannot be had.
    """
    where = place(name)
    if isinstance(where, Place):
        raw = _from_device(where)
    elif where.startswith("/"):
        raw = _from_file(where)
    else:
        raw = _from_server(where)
    if len(raw) > LARGEST:
        raise InputError(f"{name}: more than {LARGEST} bytes: no file of answers")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InputError(f"{name}: no UTF-8: no file of answers") from None


def _from_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "name a file of answers") from None


def _from_device(where: Place) -> bytes:
    """Read it from a device that is mounted for that alone, read-only."""
    import tempfile

    from xendemo import run

    device = _patiently(where.device)
    with tempfile.TemporaryDirectory(prefix="xendemo-answers-") as folder:
        run.check("mount", "-o", "ro", device, folder)
        try:
            path = os.path.realpath(f"{folder}{where.path}")
            if not path.startswith(f"{folder}/"):
                raise InputError(f"{where.path}: leads out of {device}")
            return _from_file(path)
        finally:
            run.run("umount", folder)


def _patiently(name: str) -> str:
    """Return the device of a name, or of a LABEL=, once it is there: USB comes late.

    Raises:
        Failure: it does not come.
    """
    from xendemo import run

    for left in reversed(range(TRIES)):
        device = name
        if not name.startswith("/dev/"):
            device = run.run("blkid", "-l", "-o", "device", "-t", name).out.strip()
        if device and os.path.exists(device):
            return device
        if left:
            time.sleep(PAUSE)
    raise Failure(f"there is no device {name}", "see what there is: blkid")


def _from_server(url: str) -> bytes:
    import urllib.error
    import urllib.request

    for left in reversed(range(TRIES)):
        try:
            with urllib.request.urlopen(url, timeout=WAIT) as answer:
                text: bytes = answer.read(LARGEST + 1)
                return text
        except urllib.error.HTTPError as error:
            raise Failure(f"{url}: {error.code} {error.reason}", "see the server's log") from None
        except OSError as error:
            if not left:
                raise Failure(f"{url}: {error}", "is the network up? see: ip address") from None
            time.sleep(PAUSE)  # at boot, the network may still be coming up
    raise AssertionError("unreachable")
