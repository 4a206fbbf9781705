"""The options that put a person's own hypervisor, kernels and tools in place of the root's."""

from __future__ import annotations

import argparse
from pathlib import Path

from democd.recipe import Given

OPTIONS = {
    "--xen": ("xen", "FILE", "xen.gz, or xen as it was built, to boot instead of Debian's"),
    "--install-tree": (
        "install_tree", "DIR",
        "what Xen's `make dist` left in dist/install: hypervisor, tools and libraries",
    ),
    "--dom0-kernel": ("dom0", "FILE", "a bzImage with CONFIG_XEN_DOM0"),
    "--dom0-modules": (
        "dom0_modules", "DIR", "its modules: what `make modules_install INSTALL_MOD_PATH=DIR` left"
    ),
    "--guest-kernel": ("guest", "FILE", "a bzImage with CONFIG_XEN_PV, for guests"),
    "--guest-modules": ("guest_modules", "DIR", "its modules, likewise"),
}  # fmt: skip
"""Each option, with the recipe's key in [kernels] that it stands for, and its words in --help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group(
        "your own parts", "each is also a key in [kernels] of the recipe; all is inspected first"
    )
    for option, (key, kind, doc) in OPTIONS.items():
        group.add_argument(option, metavar=kind, dest=f"own_{key}", help=doc)


def given(args: argparse.Namespace) -> list[Given]:
    """Return what was given, as values for the recipe; paths start at the current folder."""
    return [
        Given("kernels", key, str(Path.cwd() / value), option)
        for option, (key, _, _) in OPTIONS.items()
        if (value := getattr(args, f"own_{key}")) is not None
    ]
