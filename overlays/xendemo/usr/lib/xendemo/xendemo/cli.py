"""The command line: `xendemo VERB`, one module for each verb.

A verb's module has `HELP` (one line), `EXAMPLES`, `add_arguments(parser)` and `run(args)`, which
returns the exit code; `MIXED = True` lets options stand between other words. Only the module of the
verb that was typed is imported.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType
from typing import NoReturn

from xendemo.errors import Failure, InputError, Interrupted, explain
from xendemo.words import choice

VERBS = {
    "create": "xendemo.create",
    "list": "xendemo.listing",
    "console": "xendemo.console",
    "ssh": "xendemo.ssh",
    "shutdown": "xendemo.shutdown",
    "destroy": "xendemo.destroy",
    "nat": "xendemo.nat",
    "check": "xendemo.check",
    "install": "xendemo.install.command",
    "unpack": "xendemo.unpack",
    "rebuild": "xendemo.rebuild",
    "world": "xendemo.world.command",
}
INTERRUPTED = 130
DESCRIPTION = (
    "Starts further domains from the disc, looks after them; checks the disc, installs it, and "
    "makes others."
)
EPILOG = "each verb has its own --help, with examples; the manual page is xendemo(1)"


class Parser(argparse.ArgumentParser):
    """A parser whose complaints read like our others.

    If it is `mixed`, options may stand between the words that are not.
    """

    mixed = False

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """Parse what is known, and return the rest; subparsers are asked by this as well."""
        if not self.mixed:
            return super().parse_known_args(args, namespace)
        self.mixed = False  # argparse does it in two passes, by this very function
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.mixed = True

    def error(self, message: str) -> NoReturn:
        """Complain about the command line."""
        raise InputError(message, f"to see what can be written: {self.prog} --help")


def main(argv: Sequence[str]) -> int:
    """Run a verb and return the exit code: 0 done, 1 failed, 2 wrong input, 130 interrupted."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        args = parser(argv).parse_args(argv)
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except Failure as failure:
        print(explain(failure), file=sys.stderr)
        return failure.exit_code
    except (KeyboardInterrupt, Interrupted) as interrupt:
        print(f"\n{interrupt}" if str(interrupt) else "\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left, as `head` does; spare it Python's last words too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"error: {error.filename or 'writing'}: {error.strerror}", file=sys.stderr)
        return 1


def parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of the verb that is typed, or of all.

    Raises:
        InputError: there is no such verb.
    """
    top = Parser(prog="xendemo", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    typed = argv[0] if argv else ""
    if typed and not typed.startswith("-") and typed not in VERBS:
        raise InputError(f"{typed}: no such verb", choice(typed, VERBS))
    for name in [typed] if typed in VERBS else VERBS:
        verb = importlib.import_module(VERBS[name])
        verb_parser = verbs.add_parser(
            name,
            help=verb.HELP,
            description=_description(verb),
            epilog="examples:\n" + verb.EXAMPLES.strip("\n"),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        verb.add_arguments(verb_parser)
        verb_parser.mixed = getattr(verb, "MIXED", False)
        verb_parser.set_defaults(run=verb.run)
    return top


def _description(verb: ModuleType) -> str:
    help_line: str = verb.HELP
    return f"{help_line[0].upper()}{help_line[1:]}."


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt  # unwinds, so that what is half-made is taken back
