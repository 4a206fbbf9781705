"""What of the disc's layers an installed system must not have, each with the reason.

Patterns are of paths in a layer; `*` crosses slashes, but in the lowest layer, which unsquashfs
unpacks. A layer that is not named goes onto the disk as it is. `tests/unit/test_install_disk.py`
finds patterns that mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

LIVE_ONLY: Mapping[str, Mapping[str, str]] = {
    "base": {
        "etc/apt/apt.conf.d/99mmdebstrap": "how the disc was built is no advice for apt there",
        "usr/lib/modules/*-cloud-amd64": "guests' kernel, whose package is purged: see `packages`",
    },
    "common": {
        "boot/*": "links to /cdrom; the disk has the files themselves",
        "etc/fstab": "written anew",
        "etc/hostname": "written anew",
        "etc/hosts": "written anew",
        "etc/issue": "Debian's own stays",
        "etc/issue.d*": "tells the disc's password",
        "etc/ssh/sshd_config.d/*": "rules for a password that everybody knows",
        "etc/systemd/journald.conf.d*": "the journal stays in memory",
        "etc/systemd/system.conf.d*": "no word of what starts",
        "etc/systemd/system/*": "masks, and a log-in that comes before udev: a disk is quicker",
        "etc/systemd/system-generators*": "masks: fstab is to be read again",
        "etc/tmpfiles.d*": "the one file in it is for a log-in before all else",
    },
    "dom0": {
        "etc/motd": "says that nothing outlives a reboot",
        "etc/ssh/sshd_config.d/*": "an exception to the rules above",
        "etc/systemd/system-generators*": "a mask: gettys are found by the kernel's consoles",
        "etc/systemd/system/*@*": "the log-in that waits for xen.service",
        "etc/systemd/system/prompt.target.wants*": "the log-in before all else",
        "etc/systemd/system/xen.service": "Debian's own stays, and is upgraded with Xen",
        "etc/systemd/system/xendomains.service": "a mask: domains of the disk may start with it",
    },
}


def patterns(layer: str) -> tuple[str, ...]:
    """Return what is left out of a layer."""
    return tuple(LIVE_ONLY.get(layer, {}))
