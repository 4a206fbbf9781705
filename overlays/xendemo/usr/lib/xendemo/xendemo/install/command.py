"""`install`: puts what is on the disc onto a disk, a partition, or beside an existing Linux."""

from __future__ import annotations

import argparse
import fcntl
import importlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from xendemo import media
from xendemo import run as programs
from xendemo.errors import Failure, InputError, Mistakes
from xendemo.install import answers, checking, dialog, doing, gather, safety
from xendemo.install.facts import Facts
from xendemo.install.log import Log
from xendemo.install.options import Options, Pairs, judge, parse_size
from xendemo.install.progress import Progress
from xendemo.install.steps import Plan
from xendemo.install.steps import programs as programs_of

HELP = "install from the disc: beside an existing Linux, or on a whole disk"
EXAMPLES = """
  xendemo install                          be asked for everything
  xendemo install --disk /dev/sdb -n       show what would be done, and do nothing
  xendemo install --disk /dev/sdb          an empty disk becomes a Debian with Xen
  xendemo install --disk /dev/sdb --wipe /dev/sdb --swap 2G --hostname xen1
  xendemo install --into /dev/sda2         Xen beside the Linux on a partition
  xendemo install --into / --default       beside the Linux that runs; Xen boots by itself
  xendemo install --into / --remove        and away with it again
  xendemo install --frugal /dev/sda3       the disc as a file on a partition
  xendemo install --answers install.toml   nobody is asked anything
"""
LOCK = "/run/xendemo-install.lock"
COMMAND_LINE = "/proc/cmdline"
SPELLED = {
    "disk": "--disk", "into": "--into", "frugal": "--frugal", "remove": "--remove",
    "wipe": "--wipe", "hostname": "--hostname", "password_hash": "--password-hash",
    "separate_usr": "--separate-usr", "swap": "--swap", "default": "--default",
    "guests": "--no-guests", "boot": "--boot", "disc": "--disc", "serial": "serial",
    "size": "size",
}  # fmt: skip
PLANNERS = {
    ("disk", False): ("", ("whole_disk", "plan")),
    ("into", False): ("look", ("into", "plan")),
    ("into", True): ("look", ("remove", "plan")),
    ("frugal", False): ("look", ("frugal", "plan")),
    ("frugal", True): ("look", ("frugal", "removal")),
}
"""By way, and whether it is to be removed: what gathers, and what decides. Only that is loaded."""

OTHERS = ("remove", "wipe", "hostname", "password_hash", "separate_usr", "swap", "default",
          "guests", "boot", "confirm")  # fmt: skip
"""Options that a file of answers has keys for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--disk", metavar="DEVICE", help="a whole disk becomes a Debian with Xen")
    ways.add_argument("--into", metavar="DIR|PARTITION",
                      help="Xen beside an existing Linux: where its root is")  # fmt: skip
    ways.add_argument("--frugal", metavar="PARTITION",
                      help="the disc itself, as a file on a partition")  # fmt: skip
    ways.add_argument("--answers", metavar="FILE", help="ask nothing: FILE, or a URL, says all")
    ways.add_argument("--answers-from-cmdline", action="store_true", dest="from_cmdline",
                      help="the same; answers= on the kernel's command line names it")  # fmt: skip
    parser.add_argument("-n", "--dry-run", action="store_true", dest="dry_run",
                        help="show the plan and do nothing")  # fmt: skip
    parser.add_argument("--remove", action="store_true",
                        help="take out again what --into or --frugal has put there")  # fmt: skip
    parser.add_argument("--wipe", default="", metavar="DEVICE",
                        help="this disk is not empty, and may be emptied")  # fmt: skip
    parser.add_argument("--hostname", default="xendemo", metavar="NAME",
                        help="of the new system (default: xendemo)")  # fmt: skip
    parser.add_argument("--password-hash", default="", metavar="HASH", dest="password_hash",
                        help="root's password: openssl passwd -6 (default: asked)")  # fmt: skip
    parser.add_argument("--separate-usr", action="store_true", dest="separate_usr",
                        help="/usr on a partition of its own")  # fmt: skip
    parser.add_argument("--swap", default="", metavar="SIZE", help="a swap partition: 512M, 2G")
    parser.add_argument("--default", action="store_true",
                        help="Xen boots by itself, not what did before")  # fmt: skip
    parser.add_argument("--no-guests", action="store_false", dest="guests",
                        help="without the disc as a file, which guests need")  # fmt: skip
    parser.add_argument("--boot", default="", metavar="DIR|PARTITION",
                        help="the Linux whose GRUB starts what --frugal installs")  # fmt: skip
    parser.add_argument("--disc", default="", metavar="DIR",
                        help="where the disc is mounted (default: looked for)")  # fmt: skip
    parser.add_argument("--no-check", action="store_false", dest="check",
                        help="do not check the disc before anything is written")  # fmt: skip
    parser.add_argument("--confirm", default="", metavar="NAME",
                        help="what would have to be typed before anything is done")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Decide what is wanted, show it, have it confirmed, and do it."""
    gather.require_root()
    with _alone():
        options, facts = _wanted(args)
        options = _with_password(options, facts)
        sums = media.sums_of(facts.disc.folder)
        marked = media.is_marked(sums)
        plan = decide(facts, options)
        if plan.steps and (line := checking.words(options, marked=marked)):
            plan = replace(plan, words=(*plan.words, line))
        print(shown(plan), flush=True)
        if options.dry_run or not plan.steps:
            print("this was a dry run: nothing has been done" if plan.steps
                  else "nothing is to be done")  # fmt: skip
            return 0
        require(programs_of(plan.steps))
        dialog.confirm(plan.confirm, options, facts.names)
        if checking.is_needed(options, marked=marked):
            checking.check(facts.disc.folder, sums, sys.stdout)
        carry_out(plan)
    if options.end != "stay":
        programs.check("systemctl", options.end)
    return 0


def _wanted(args: argparse.Namespace) -> tuple[Options, Facts]:
    """Return what is wanted, and what there is; all that is wrong with both is told at once."""
    named = args.answers or (args.from_cmdline and _named())
    mistakes: Pairs = []
    if named:
        mistakes += strangers(args)
        options = answers.read(answers.fetch(named), named)
        options = replace(options, dry_run=options.dry_run or args.dry_run,
                          check=options.check and args.check,
                          disc=args.disc or options.disc)  # fmt: skip
        spelled: Mapping[str, str] = answers.SPELLED
    elif not (args.disk or args.into or args.frugal or args.remove):
        if changed := strangers(args):
            raise Mistakes([("no way to install is named", "--disk, --into or --frugal; see "
                             f"--help: {pair[0].split()[0]} alone says too little")
                            for pair in changed])  # fmt: skip
        facts = gather.gather(args.disc)
        options = replace(dialog.ask(facts), dry_run=args.dry_run, disc=args.disc,
                          check=args.check)  # fmt: skip
        if mistakes := safety.mistakes(facts, options):
            raise Mistakes(mistakes)
        return options, facts
    else:
        options, spelled = from_arguments(args, mistakes), SPELLED
    mistakes += judge(options, spelled) if not named else []
    try:
        facts = gather.gather(options.disc)
    except Failure as failure:
        raise Mistakes([*mistakes, *failure.pairs]) if mistakes else failure from None
    mistakes += safety.mistakes(facts, options)
    if not named and not options.dry_run:
        mistakes += unasked(options, terminal=sys.stdin.isatty())
    if mistakes:
        raise Mistakes(mistakes)
    return options, facts


def from_arguments(args: argparse.Namespace, mistakes: Pairs) -> Options:
    """Return the options of a command line; what cannot be read goes to `mistakes`."""
    way = "disk" if args.disk else "frugal" if args.frugal else "into"
    swap = 0
    if args.swap:
        try:
            swap = parse_size(args.swap)
        except ValueError as error:
            mistakes.append((f"--swap: {error}", "units are K, M, G and T"))
    target = args.disk or args.frugal or args.into or "/"
    return Options(
        way=way,
        # A folder may be named from where one is; everything else is a whole path.
        target=os.path.realpath(target) if way == "into" and os.path.isdir(target) else target,
        remove=args.remove,
        disc=args.disc,
        wipe=args.wipe,
        hostname=args.hostname,
        password_hash=args.password_hash,
        separate_usr=args.separate_usr,
        swap=swap,
        default=args.default,
        guests=args.guests,
        boot=args.boot,
        dry_run=args.dry_run,
        check=args.check,
        confirm=args.confirm,
    )


def strangers(args: argparse.Namespace) -> Pairs:
    """Return complaints about options that a file of answers, or the dialog, has keys for."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    fresh = parser.parse_args([])
    return [
        (f"{SPELLED.get(name, f'--{name}')} and a file of answers exclude each other",
         "write it into the file")
        for name in OTHERS
        if getattr(args, name) != getattr(fresh, name)
    ]  # fmt: skip


def unasked(options: Options, *, terminal: bool) -> Pairs:
    """Return what would have to be asked where nobody can be."""
    if terminal:
        return []
    mistakes: Pairs = []
    if not options.confirm:
        remedy = "see what --dry-run says, then name the target: --confirm NAME"
        mistakes.append(("there is no terminal to confirm this on", remedy))
    if options.way == "disk" and not options.password_hash:
        mistakes.append(("there is no terminal to ask for a password on",
                         "give --password-hash, from: openssl passwd -6"))  # fmt: skip
    return mistakes


def decide(facts: Facts, options: Options) -> Plan:
    """Return the plan.

    Raises:
        Failure: it cannot be done; with all reasons.
    """
    look, make = PLANNERS[options.way, options.remove]
    module = importlib.import_module(f"xendemo.install.{make[0]}")
    seen = (getattr(module, look)(facts, options),) if look else ()
    plan: Plan = getattr(module, make[1])(facts, options, *seen)
    return plan


def shown(plan: Plan) -> str:
    """Return a plan as it is shown: in words, and as the commands that will be run."""
    lines = [f"{plan.title[0].upper()}{plan.title[1:]}:", *(f"  - {line}" for line in plan.words)]
    if plan.steps:
        lines += ["", "What will be done:"]
    for step in plan.steps:
        lines += [f"  # {step.words}", *(f"  {line}" for line in step.command().splitlines())]
    return "\n".join([*lines, ""])


def require(names: Iterable[str]) -> None:
    """See that programs are there, before anything is done.

    Raises:
        Failure: some are not.
    """
    where = programs.environment()["PATH"]
    missing = [name for name in names if not shutil.which(name, path=where)]
    if missing:
        raise Failure(f"there is no program {' and no '.join(missing)}",
                      "install what is missing; nothing has been done")  # fmt: skip


def carry_out(plan: Plan) -> None:
    """Do it, and tell what is next."""
    log = Log()
    try:
        warnings = doing.perform(plan, Progress(sys.stdout, len(plan.steps)), log)
    finally:
        log.close()
    print(summary(plan, warnings, log.path))


def summary(plan: Plan, warnings: list[str], log: str) -> str:
    """Return what is told at the end."""
    lines = ["", "Done."]
    for warning in warnings:
        first, *more = warning.splitlines()
        lines += [f"warning: {first}", *(f"  {line}" for line in more)]
    if plan.after:
        lines += ["What to do next:", *(f"  - {line}" for line in plan.after)]
    kept = "; the target has a copy" if plan.log else ""
    return "\n".join([*lines, f"The log of it is {log}{kept}."])


def _with_password(options: Options, facts: Facts) -> Options:
    if options.way != "disk" or options.password_hash or options.dry_run:
        return options
    return replace(options, password_hash=dialog.password())


def _named() -> str:
    with open(COMMAND_LINE, encoding="utf-8", errors="replace") as file:
        return answers.from_command_line(file.read())


@contextmanager
def _alone() -> Iterator[None]:
    """Keep a second installer away."""
    with open(LOCK, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("another `xendemo install` is at work", "wait for its end") from None
        yield
