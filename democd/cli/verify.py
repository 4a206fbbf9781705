"""`verify`: everything about an ISO, read cold; and a medium that it was burned to."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from democd.errors import InputError

if TYPE_CHECKING:
    from democd.host.progress import Reporter
    from democd.verify import Verdict

HELP = "check all of a disc: boot records, menus, kernels, checksums, signature, SBOM, size"
EXAMPLES = """
  ./build.py verify dist/xendemo.iso
  ./build.py verify dist/xendemo-sources.iso    # of build.py sources
  ./build.py verify dist/xendemo.iso --against /dev/sdb    # what was burned, byte by byte
  ./build.py verify dist/xendemo.iso --keyring ann.asc     # and who has signed it
  ./build.py verify /dev/sr0                    # what was burned, where the ISO is gone
  ./build.py verify dist/xendemo.iso --json | jq .
"""

EXPORT = "who signs exports it: gpg --armor --export KEY >FILE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("iso", type=Path, metavar="ISO", help="the disc; a drive will do")
    parser.add_argument(
        "--against", metavar="DEVICE",
        help="a stick, CD or file that it was written to: compare that with it, too",
    )  # fmt: skip
    parser.add_argument(
        "--keyring", type=Path, metavar="FILE",
        help="public keys, as gpg --export writes them, with --armor or without: one of them must "
        "have signed the disc",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def run(args: argparse.Namespace) -> int:
    """Verify it; a disc with faults, or a medium that differs, is exit code 1."""
    from democd import verify
    from democd.host.progress import Reporter

    keyring = _keyring(args.keyring) if args.keyring else None
    reporter = Reporter(quiet=not sys.stderr.isatty())
    with reporter.step("verify", args.iso.name) as step:
        verdict = verify.verify(args.iso, step.at, keyring)
    if args.against:
        verdict = _with_medium(verdict, args.against, reporter)
    if args.json:
        print(json.dumps(verify.as_json(verdict), indent=2))
    else:
        print(verify.report(verdict))
    return 0 if verdict.ok else 1


def _keyring(path: Path) -> bytes:
    """Return the public keys in a file.

    Raises:
        InputError: it cannot be read, or holds none.
    """
    from democd.formats import openpgp

    try:
        keys = openpgp.dearmored(path.read_bytes())
    except OSError as error:
        raise InputError(f"--keyring {path}: {error.strerror}", EXPORT) from error
    except ValueError as error:
        raise InputError(f"--keyring {path}: {error}", EXPORT) from error
    if not openpgp.is_keyring(keys):
        raise InputError(f"--keyring {path} holds no public key", EXPORT)
    return keys


def _with_medium(verdict: Verdict, device: str, reporter: Reporter) -> Verdict:
    """Add the comparison with a medium as a check of its own."""
    from democd.burn import compare, job
    from democd.verify import Check

    size = job.size_of(verdict.path, verdict.volume)
    with reporter.step("compare", device) as step:
        difference = compare.compare(verdict.path, size, device, step.at)
    if difference:
        remedy = f"write it again: ./build.py burn {verdict.path} {device}"
        check = Check("burned", False, f"{device}: {difference}", remedy)
    else:
        check = Check("burned", True, f"{device} has the same {size} bytes")
    return replace(verdict, checks=(*verdict.checks, check))
