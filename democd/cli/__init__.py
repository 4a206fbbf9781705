"""The command line: `./build.py VERB`, one module for each verb.

A verb's module has `HELP` (one line), `EXAMPLES`, `add_arguments(parser)` and `run(args)`, which
returns the exit code and imports what it needs, so that every verb starts quickly. One that has
another meaning for 1 names the exit code of a failure as `TROUBLE`.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType

from democd import __version__
from democd.cli import (
    boot,
    build,
    burn,
    cache,
    diff,
    inspect,
    lock,
    netboot,
    report,
    smoke,
    sources,
    unpack,
    verify,
)
from democd.cli.help import keys_help
from democd.errors import BuildError, Mistakes
from democd.host import room

VERBS: dict[str, ModuleType] = {
    "build": build,
    "lock": lock,
    "sources": sources,
    "inspect": inspect,
    "verify": verify,
    "diff": diff,
    "report": report,
    "unpack": unpack,
    "burn": burn,
    "netboot": netboot,
    "boot": boot,
    "smoke": smoke,
    "cache": cache,
}
DEFAULT_VERB = "build"
INTERRUPTED = 130
TERMINATED = 143
LIBRARIES = ("qemu", "qemu.qmp", "pexpect", "PySquashfsImage")
"""What only some verbs need, and a builder on the disc itself need not have."""
DISK_TROUBLE = (
    errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EXDEV,
    errno.EFBIG, errno.EIO,
)  # fmt: skip
"""What a folder of the person's choice can be unfit for, or its disk broken; not a bug of ours."""


def main(argv: Sequence[str]) -> int:
    """Run a verb and return the exit code: 0 done, 1 failed, 2 wrong input, 130 interrupted."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an ASCII terminal gets "?" for a tick
    failed = 1
    try:
        args = parser().parse_args(_with_verb(argv))
        failed = args.failed
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except BuildError as error:
        print(explain(error), file=sys.stderr)
        return max(error.exit_code, failed)
    except KeyboardInterrupt:
        print("interrupted; nothing half-made was kept", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES:
            raise
        print(f"error: the Python package {error.name} is missing", file=sys.stderr)
        print("  run `make setup` in a checkout of the builder", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output has left, as `head` does; spare it Python's last words too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno in room.FULL:
            print(explain(room.told(error)), file=sys.stderr)
            return failed
        if error.errno not in DISK_TROUBLE:
            raise
        print(f"error: {error.filename or 'writing'}: {error.strerror}", file=sys.stderr)
        return failed


def explain(error: BuildError) -> str:
    """Return a failure as a person reads it: each message with its hint below."""
    pairs = error.mistakes if isinstance(error, Mistakes) else [(error.message, error.hint)]
    lines = []
    for message, hint in pairs:
        lines.append(f"error: {message}")
        lines += [f"  {line}" for line in hint.splitlines()]
    if isinstance(error, Mistakes):
        lines.append(error.message)
    return "\n".join(map(_shown, lines))


def _shown(line: str) -> str:
    """Return a line without what would steer a terminal: names on a disc may be a stranger's."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in line)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs; what it finds sets `run` and the verb's options."""
    top = argparse.ArgumentParser(
        prog="./build.py",
        description="Builds, inspects, verifies, burns and boots the Xen demo CD.",
        epilog="each verb has its own --help, with examples\n\n" + keys_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"democd {__version__}")
    verbs = top.add_subparsers(
        title="verbs", metavar="VERB", required=True, description=f"default: {DEFAULT_VERB}"
    )
    for name, verb in VERBS.items():
        sub = verbs.add_parser(
            name,
            help=verb.HELP,
            description=verb.HELP[0].upper() + verb.HELP[1:] + ".",
            epilog=_epilog(verb),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_arguments(sub)
        sub.set_defaults(run=verb.run, failed=getattr(verb, "TROUBLE", 1))
    return top


def _epilog(verb: ModuleType) -> str:
    examples: str = verb.EXAMPLES.strip("\n")
    return f"examples:\n{examples}" + (
        f"\n\n{keys_help()}" if verb in (build, lock, sources) else ""
    )


def _with_verb(argv: Sequence[str]) -> list[str]:
    """Put the default verb in front where none is given."""
    if argv and (not argv[0].startswith("-") or argv[0] in ("-h", "--help", "--version")):
        return list(argv)
    return [DEFAULT_VERB, *argv]


def _terminate(signum: int, frame: FrameType | None) -> None:
    sys.exit(TERMINATED)  # unwinds, so that children end and scratch files go, as with Ctrl-C
