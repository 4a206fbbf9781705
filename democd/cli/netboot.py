"""`netboot`: a disc to a folder from which servers start machines over a network."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "lay a disc out for a TFTP and a web server, to start machines over a network"
EXAMPLES = """
  ./build.py netboot dist/xendemo.iso /srv/netboot    # its README tells how to serve it
  ./build.py netboot dist/xendemo.iso /tmp/netboot --port 8080    # the web server's port
  ./build.py netboot dist/xendemo.iso /srv/tftp/xendemo --url http://10.0.0.5/boot/xendemo
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("iso", type=Path, metavar="ISO", help="the disc; a drive will do")
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--port", type=int, default=80, metavar="N",
        help="of the web server, which has the TFTP server's address (default: 80)",
    )  # fmt: skip
    where.add_argument(
        "--url", default="", help="where the folder is on a web server of another address"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but failures")


def run(args: argparse.Namespace) -> int:
    """Lay it out, and say what to do with it."""
    from democd.host.progress import Reporter
    from democd.remake import netboot

    reporter = Reporter(quiet=args.quiet)
    made = netboot.lay_out(args.iso, args.folder, reporter, url=args.url, port=args.port)
    web = args.url or f"port {args.port} of the same address"
    reporter.say(f"\n{args.folder}: for TFTP, and for HTTP at {web}")
    reporter.say(f"each machine needs {made.memory} MiB of memory")
    reporter.say(f"how to serve it:  {args.folder}/{netboot.README}")
    return 0
