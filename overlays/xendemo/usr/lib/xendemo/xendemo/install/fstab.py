"""What an fstab says, fstab(5), and which of the machine's devices it means. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xendemo.install.devices import Device, walk

_BY = re.compile(r"/dev/disk/by-(uuid|label|partuuid)/(.+)")


@dataclass(frozen=True)
class Entry:
    """A line of it.

    Args:
        spec: the first field: UUID=…, LABEL=…, /dev/sda1.
        folder: where it is mounted.
        options: each as written, "subvol=@".
    """

    spec: str
    folder: str
    type: str
    options: tuple[str, ...]

    def option(self, name: str) -> str:
        """Return the value of an option `name=value`, "" if it has none."""
        for option in self.options:
            key, _, value = option.partition("=")
            if key == name:
                return value
        return ""


def parse(text: str) -> tuple[Entry, ...]:
    """Return the entries in their order; lines that are none, and comments, are passed over."""
    entries = []
    for line in text.splitlines():
        fields = [_plain(field) for field in line.split()]
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        options = tuple(fields[3].split(",")) if len(fields) > 3 else ()
        folder = "/" + "/".join(part for part in fields[1].split("/") if part)
        entries.append(Entry(fields[0], folder, fields[2], options))
    return tuple(entries)


def of(entries: tuple[Entry, ...], folder: str) -> Entry | None:
    """Return the entry of a folder that is a file system of its own; the last one counts.

    A bind mount is a part of another, and no file system of its own.
    """
    found = None
    for entry in entries:
        if entry.folder == folder and not {"bind", "rbind"} & set(entry.options):
            found = entry
    return found


def device(spec: str, devices: tuple[Device, ...]) -> Device | None:
    """Return the device that a first field means, None if the machine has no such one."""
    plain = spec.replace('"', "").replace("'", "")
    if by := _BY.fullmatch(plain):
        plain = f"{by[1].upper()}={by[2]}"
    key, equals, value = plain.partition("=")
    for candidate in walk(devices):
        known = {"UUID": candidate.uuid, "LABEL": candidate.label, "PARTUUID": candidate.partuuid}
        if equals and key in known:
            wanted, has = (
                (value, known[key]) if key == "LABEL" else (value.lower(), known[key].lower())
            )
            if has and has == wanted:
                return candidate
        elif candidate.path == plain:
            return candidate
    return None


def _plain(field: str) -> str:
    r"""Return a field with its blanks, which are written \040 and the like (getmntent(3))."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
