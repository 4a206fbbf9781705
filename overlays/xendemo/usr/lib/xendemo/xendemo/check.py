"""`check`: compares every file on the disc with its checksum, and tells who has signed them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from xendemo import media
from xendemo.builder import CDROM
from xendemo.errors import Failure, InputError
from xendemo.install.progress import MB, Progress
from xendemo.media import Fault, Sums
from xendemo.words import choice, count

HELP = "check every file on the disc: read anew, and compared with SHA256SUMS"
EXAMPLES = """
  xendemo check                             0: all as it was made; 1: something is damaged
  xendemo check live/base.squashfs          that file alone
  xendemo check --keyring /mnt/ann.asc      and who has signed the disc
  xendemo check --disc /mnt                 another disc, which is mounted there
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help="as SHA256SUMS has it; default all"
    )
    parser.add_argument("--disc", default=CDROM, metavar="DIR",
                        help=f"where the disc is mounted (default: {CDROM})")  # fmt: skip
    parser.add_argument("--keyring", metavar="FILE",
                        help="public keys: one of them must have signed the disc")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Check it; a damaged disc, or one that is not signed as it should be, is exit code 1."""
    folder = os.path.realpath(args.disc)
    if not os.path.ismount(folder) and not os.path.exists(f"{folder}/{media.SUMS}"):
        raise InputError(f"no disc is mounted at {args.disc}", "mount it, or name where: --disc")
    if args.keyring and not os.path.isfile(args.keyring):
        raise InputError(
            f"--keyring {args.keyring}: there is no such file", "public keys are meant"
        )
    sums = media.sums_of(folder)
    names = wanted(args.files, sums)
    source = media.source_of(folder)
    where = media.described(source, media.backing_of(source)) if source else folder
    progress = Progress(sys.stdout, 1)
    progress.begin(f"read {where}")
    faults = [*sums.faults, *media.compare(folder, sums, names, progress.at)]
    progress.end()
    if not args.files:
        if extra := media.unlisted(folder, sums):
            print(f"not in {media.SUMS}, so not checked: {', '.join(extra)}")
        if not faults:
            media.mark(sums)
    size = sum(os.stat(f"{folder}/{name}").st_size for name in names) if not faults else 0
    print(verdict(where, len(names), size, faults))
    return 1 if faults or not _signed(folder, args.keyring) else 0


def wanted(files: Sequence[str], sums: Sums) -> list[str]:
    """Return the files that are to be checked: those that are named, else all.

    Raises:
        InputError: one is named that the sums do not have.
    """
    names = [name.removeprefix(f"{CDROM}/").lstrip("/") for name in files]
    for name in names:
        if name not in sums.files and sums.files:
            raise InputError(f"{name} is not in {media.SUMS}", choice(name, sums.files))
    return [name for name in names if name in sums.files] if names else list(sums.files)


def verdict(where: str, number: int, size: int, faults: Sequence[Fault]) -> str:
    """Return what is told at the end."""
    if not faults:
        return f"{count(number, 'file')}, {size / MB:.1f} MB: all as it was made"
    return "\n".join(
        [
            f"DAMAGED is {where}:",
            *(f"  {media.told(fault)}" for fault in faults),
            "Do not install from it. Clean it, or copy or burn it again.",
        ]
    )


def _signed(folder: str, keyring: str | None) -> bool:
    """Tell who has signed; return whether that is as it should be."""
    from xendemo import signature

    if not keyring:
        if os.path.exists(f"{folder}/{media.SIGNATURE}"):
            print("it is signed; --keyring FILE tells by whom")
        return True
    try:
        print(f"signed by {signature.signed_by(folder, os.path.abspath(keyring))}")
    except Failure as failure:
        message, hint = failure.pairs[0]
        print(
            "\n".join([f"NOT TO BE TRUSTED: {message}", *(f"  {it}" for it in hint.splitlines())])
        )
        return False
    return True
