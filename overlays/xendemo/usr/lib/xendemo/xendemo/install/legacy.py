"""Legacy GRUB, 0.97: our stanza in its menu.lst or grub.conf. Pure: bytes in, bytes out.

It loads by multiboot 1 and unpacks what is gzipped by itself. A menu is bytes, not text: nobody
knows its encoding, and one from another system may end its lines by CR and LF.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from xendemo.install.cmdline import Words

MENUS = ("/boot/grub/menu.lst", "/boot/grub/grub.conf", "/etc/grub.conf")
FIRST = b"# BEGIN xendemo: `xendemo install --remove` takes this away"
LAST = b"# END xendemo"
_BLOCK = re.compile(
    rb"(\r?\n)?^" + re.escape(FIRST) + rb"\r?\n.*?^" + re.escape(LAST) + rb"\r?\n", re.S | re.M
)
_TITLE = re.compile(rb"^[ \t]*title\b", re.MULTILINE)
_DEFAULT = re.compile(rb"^([ \t]*default[ \t=]+)([^\r\n]*?)([ \t]*\r?)$", re.MULTILINE)
_ROOT = re.compile(
    rb"^[ \t]*((?:root|rootnoverify)[ \t=]+\((?:hd\d+)(?:,\d+)*\)|uuid[ \t]+\S+)[ \t]*\r?$",
    re.MULTILINE,
)
_DRIVE = re.compile(rb"^[ \t]*kernel[ \t]+(?:--\S+[ \t]+)*(\(hd\d+,\d+\))", re.MULTILINE)
_KERNEL = re.compile(rb"^[ \t]*kernel[ \t]+(?:--\S+[ \t]+)*\S+[ \t]*([^\r\n]*)", re.MULTILINE)


def stanza(title: str, root: str, folder: str, words: Words) -> str:
    """Return an entry.

    Args:
        title: as the menu shows it.
        root: the line that says where the files are, "root (hd0,0)".
        folder: of the files, there.
        words: options; Linux's with root= and what belongs to it.
    """
    return (
        f"title {title}\n"
        f"{root}\n"
        f"kernel {folder}/xen.gz {' '.join(words.xen)}\n"
        f"module {folder}/vmlinuz-xen0 {' '.join(words.linux)}\n"
        f"module {folder}/initrd\n"
    )


def root_line(menu: bytes, partition: int) -> str:
    """Return the line by which the menu's other entries find their files.

    The default entry's comes first, then any other's; without one, the partition of the first
    disk, since that is the one that a BIOS has started from.

    Args:
        menu: the menu, maybe with our stanza.
        partition: number of the partition with /boot, from 1.
    """
    stanzas = _stanzas(cut(menu))
    chosen = default_of(menu)
    for at in (chosen, *range(len(stanzas))):
        if 0 <= at < len(stanzas) and not re.search(rb"^\s*chainloader", stanzas[at], re.M):
            if found := _ROOT.search(stanzas[at]):
                return found[1].decode("ascii", "replace").replace("rootnoverify", "root")
            if drive := _DRIVE.search(stanzas[at]):
                return f"root {drive[1].decode()}"
    return f"root (hd0,{max(partition, 1) - 1})"


def options(menu: bytes) -> str:
    """Return the command line that the default entry gives to its kernel, "" if there is none."""
    stanzas, chosen = _stanzas(cut(menu)), default_of(menu)
    if not 0 <= chosen < len(stanzas):
        return ""
    found = _KERNEL.search(stanzas[chosen])
    return found[1].decode("utf-8", "replace").strip() if found else ""


def default_of(menu: bytes) -> int:
    """Return the number of the default entry; -1 if it is the one that was saved last."""
    found = _DEFAULT.search(menu)
    if not found:
        return 0
    return int(found[2]) if found[2].isdigit() else -1


def inserted(menu: bytes, entry: str, default: bool) -> bytes:
    """Return a menu with our stanza: in place of the one that it has, or else at its end.

    So the numbers of the others stay: `default` counts entries.

    Args:
        menu: the menu.
        entry: our stanza.
        default: it becomes the default entry.
    """
    head, tail = cut(menu), b""
    end = b"\r\n" if b"\r\n" in head else b"\n"
    if len(_BLOCK.findall(menu)) == 1 and (found := _BLOCK.search(menu)):
        head, tail = menu[: found.start()], menu[found.end() :]
    if head and not head.endswith(b"\n"):
        head += end
    lines = [b"", FIRST, *entry.encode().splitlines(), LAST]
    whole = head + b"".join(line + end for line in lines) + tail
    return with_default(whole, len(_TITLE.findall(head))) if default else whole


def with_default(menu: bytes, number: int) -> bytes:
    """Return a menu with another default entry."""
    text = str(number).encode()
    if _DEFAULT.search(menu):
        return _DEFAULT.sub(rb"\g<1>" + text + rb"\g<3>", menu, count=1)
    end = b"\r\n" if b"\r\n" in menu else b"\n"
    return b"default " + text + end + menu


def default_line(menu: bytes) -> bytes:
    """Return what follows the word `default`, b"" if the menu has no such line."""
    found = _DEFAULT.search(menu)
    return found[2] if found else b""


def ours_is_default(menu: bytes) -> bool:
    """Return whether our stanza is the default entry."""
    found = _BLOCK.search(menu)
    return bool(found) and default_of(menu) == len(_TITLE.findall(menu[: found.start()]))  # type: ignore[union-attr]


def has(menu: bytes, entry: str) -> bool:
    """Return whether a menu has just this stanza of ours."""
    found = _BLOCK.findall(menu)
    whole = _BLOCK.search(menu)
    lines = [FIRST, *entry.encode().splitlines(), LAST]
    return len(found) == 1 and whole is not None and whole[0].split() == b"\n".join(lines).split()


def cut(menu: bytes) -> bytes:
    """Return a menu without our stanza."""
    return _BLOCK.sub(b"", menu)


def restored(menu: bytes, before: bytes) -> bytes:
    """Return a menu that somebody has changed since, without us.

    Args:
        menu: the menu as it is now.
        before: the menu as it was before us, for its default entry.
    """
    plain, found = cut(menu), _BLOCK.search(menu)
    ours = len(_TITLE.findall(menu[: found.start()])) if found else -1
    if found and default_of(menu) > ours:
        return with_default(plain, default_of(menu) - 1)
    if not ours_is_default(menu):
        return plain
    value = default_line(before) or b"0"
    return _DEFAULT.sub(rb"\g<1>" + value.replace(b"\\", b"") + rb"\g<3>", plain, count=1)


def _stanzas(menu: bytes) -> Sequence[bytes]:
    starts = [match.start() for match in _TITLE.finditer(menu)]
    return [menu[at:to] for at, to in zip(starts, [*starts[1:], len(menu)], strict=True)]
