"""The file that xl reads, xl.cfg(5): writing its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

from xendemo.conf import XlValue

SCRIPT = "vif-xendemo"  # in /etc/xen/scripts; it reads `mac` and `ip` of the vif in xenstore
HEAD = "# Written by `xendemo create`. `xl create` with this file starts the same domain again.\n"


def text(lines: Mapping[str, XlValue]) -> str:
    """Return the text of a file: a line for each key."""
    return HEAD + "".join(f"{key} = {_value(value)}\n" for key, value in lines.items())


def vif(mac: str, addresses: Sequence[IPv4Address]) -> str:
    """Return the line of a network card whose addresses its script is to pin."""
    listed = " ".join(str(address) for address in addresses)
    return f"mac={mac},ip={listed},script={SCRIPT}"


def _value(value: XlValue) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_quoted(item) for item in value)}]"
    return _quoted(value)


def _quoted(item: str) -> str:
    # xl reads backslashes as C does.
    return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'
