"""Our settings, for what a file leaves out: the same as /etc/xen/xendemo.conf (a test compares)."""

from __future__ import annotations

from typing import Any

BUILTIN: dict[str, dict[str, Any]] = {
    "variables": {
        "name": {
            "default": "guest#",
            "help": "the domain's name; # is the lowest number that is free",
        },
        "mem": {"default": 96, "help": "memory in MiB"},
        "vcpus": {"default": 1, "help": "virtual processors"},
        "type": {
            "default": "auto",
            "help": "pv, pvh, or auto: pvh where the processor can, else pv",
        },
        "ip": {
            "default": "auto",
            "help": "addresses or host names, comma between; auto is the next one",
        },
        "extra": {"default": "", "help": "further words for the command line of its kernel"},
    },
    "network": {"addresses": ["10.84.0.0/16", "172.31.84.0/24"]},
    "memory": {"dom0_floor": 192, "dom0_spare": 64},
    "domain": {
        "kernel": "/cdrom/boot/vmlinuz-xenU",
        "ramdisk": "/cdrom/boot/initrd-xenU",
        "cmdline": "console=hvc0 role=guest quiet cgroup.memory=nokmem {extra}",
        "disk": ["{medium},raw,xvda,ro,script=block-disc"],
    },
    "micro": {
        "mem": 72,
        "cmdline": "console=hvc0 role=micro quiet cgroup.memory=nokmem {extra}",
        "disk": [],
    },
    "xl": {},
}
