"""`world`: builds Xen and kernels from their source, as `make world` did on the disc of 2004."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import time

from xendemo.errors import Mistakes
from xendemo.world import doing, facts, plan
from xendemo.world.options import FOLDER, SOURCE, Options, Pairs, settle

MIXED = True
HELP = "build Xen, its tools and kernels from source, without a network"
EXAMPLES = """
  xendemo world                                     Xen and its tools, of the disc's source
  xendemo world -n                                  show the commands, and do nothing
  xendemo world xen -j2 --xen ~/xen                 the hypervisor alone, of a tree of one's own
  xendemo world XEN_VENDORVERSION=-mine             with words for Xen's make
  xendemo world --dir /mnt/world                    on a disk, where memory is too little
  xendemo world xenU LINUX_SRC=linux-6.12.tar.xz    a kernel for guests
  xendemo world LINUX_SRC_PATH=/mnt:/mnt/src        Xen, tools and both kernels

what can be built:
  xen     the hypervisor
  tools   xl and all that goes with it
  xenU    a kernel for guests: Xen's virtual drivers only
  xen0    a kernel for domain 0: all drivers, as that of the disc has them; takes hours
  kernels both of them
without any of these: xen and tools, and both kernels if LINUX_SRC or LINUX_SRC_PATH is set
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("words", nargs="*", metavar="WHAT|NAME=VALUE",
                        help="what to build; variables for Xen's make; LINUX_SRC=TARBALL, "
                        "LINUX_SRC_PATH=DIR:DIR of a kernel")  # fmt: skip
    parser.add_argument("--xen", default=SOURCE, metavar="DIR",
                        help=f"Xen's source tree (default: {SOURCE})")  # fmt: skip
    parser.add_argument("--dir", default=FOLDER, metavar="DIR",
                        help=f"where to build (default: {FOLDER})")  # fmt: skip
    parser.add_argument("-j", "--jobs", type=int, default=0, metavar="N",
                        help="build N files at a time (default: one each processor)")  # fmt: skip
    parser.add_argument("--configure", default="", metavar="WORDS",
                        help="further words for Xen's ./configure")  # fmt: skip
    parser.add_argument("-n", "--dry-run", action="store_true", dest="dry_run",
                        help="show the commands and do nothing")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Plan, and unless it is a dry run, build."""
    mistakes: Pairs = []
    options = settle(args.words, os.environ, source=os.path.abspath(args.xen),
                     folder=os.path.abspath(args.dir), jobs=args.jobs,
                     configure=args.configure, mistakes=mistakes)  # fmt: skip
    now = facts.gather(options)
    mistakes += plan.mistakes(options, now)
    if mistakes:
        raise Mistakes(mistakes)
    steps = plan.make(options, now)
    print(shown(options, now), flush=True)
    if args.dry_run:
        print("\n".join(step.command() for step in steps))
        return 0
    begun = time.monotonic()
    doing.perform(steps, options.log, sys.stdout)
    print(summary(options, time.monotonic() - begun))
    return 0


def shown(options: Options, now: facts.Facts) -> str:
    """Return what will be built, of what, and where."""
    what = []
    if {"xen", "tools"} & set(options.targets):
        of = f"{options.folder}/xen, as it is now" if now.place.xen else options.source
        what.append(f"Xen {now.version} of {of}")
    if options.kernels:
        of = f"{options.folder}/linux, as it is now" if now.place.linux else now.tarballs[0]
        what.append(f"{' and '.join(options.kernels)} of {of}")
    return f"building {', and '.join(what)}; all that is written goes to {options.log}"


def summary(options: Options, seconds: float) -> str:
    """Return what has been built, and how it is used."""
    boot = f"{options.install}/boot"
    names = sorted(name for name in os.listdir(boot) if not os.path.islink(f"{boot}/{name}"))
    kernels = {kind: [name for name in names if re.fullmatch(rf"vmlinuz-.*-{kind}", name)]
               for kind in ("xen0", "xenU")}  # fmt: skip
    lines = [f"Done in {int(seconds) // 60}:{int(seconds) % 60:02}. In {options.install}:"]
    lines += [f"  boot/{name}" for name in names if name.endswith(".gz") or "vmlinuz" in name]
    if os.path.exists(f"{options.install}/usr/local/sbin/xl"):
        lines.append("  usr/local/sbin/xl, and what goes with it")
    lines += ["What to do with it:", *uses(options, kernels)]
    return "\n".join(lines)


def uses(options: Options, kernels: dict[str, list[str]]) -> list[str]:
    """Return how the result comes onto a disc, or into an installed system."""
    install = shlex.quote(options.install)
    words = []
    if "tools" in options.targets:
        words.append(f"--install-tree {install}")
    elif "xen" in options.targets:
        words.append(f"--xen {install}/boot/xen.gz")
    for kind, option in (("xen0", "dom0"), ("xenU", "guest")):
        if kind in options.targets and kernels[kind]:
            image = f"{install}/boot/{kernels[kind][-1]}"
            words.append(f"--{option}-kernel {image} --{option}-modules {install}")
    lines = [
        "  - onto a new disc, where the builder of discs (democd) is:",
        f"      ./build.py build {' '.join(words)}",
    ]
    if "xen" in options.targets:
        lines += [
            "  - the hypervisor, if it is of the series of the tools here, onto a disc like this:",
            f"      xendemo rebuild --xen {install}/boot/xen.gz",
            "  - to see it boot, on a small disc in QEMU:",
            f"      ./build.py smoke {' '.join(words)}",
        ]
    if {"xen", "tools"} & set(options.targets):
        lines += [
            "  - into the Debian that `xendemo install --disk` has made, if it runs there:",
            f"      rsync -aK {install}/ / && ldconfig && update-grub",
        ]
    return lines
