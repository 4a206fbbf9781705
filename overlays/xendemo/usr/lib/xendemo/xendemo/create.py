"""`create`: new domains, from a request to running."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence

from xendemo import addresses, conf, facts, plan, report, variables
from xendemo import run as programs
from xendemo.errors import Failure, Interrupted, Mistakes
from xendemo.plan import Plan

HELP = "start one or more further domains"
EXAMPLES = """
  xendemo create                                a domain with the defaults
  xendemo create -D mem=128 -D name=web -c      named web, and look at its console
  xendemo create -Dip=192.168.1.40,169.254.1.9  with addresses of one's own choice
  xendemo create -D mem=64:vcpus=2 --count 3    three alike: guest1, guest2, guest3
  xendemo create --micro --count 8              eight small ones: kernel and initrd alone
  xendemo create -n -D type=pvh                 show what would be done, and do nothing
  xendemo create -D 'extra=ssh=password debug'  further words for the kernel's command line

variables of -D, with their defaults (/etc/xen/xendemo.conf may have others):
  name=guest#   the domain's name; # is the lowest number that is free
  mem=96        memory in MiB (72 with --micro)
  vcpus=1       virtual processors
  type=auto     pv, pvh, or auto: pvh where the processor can, else pv
  ip=auto       addresses or host names, comma between; auto is the next one
  extra=        further words for the command line of its kernel
"""
FOLDER = "/run/xendemo"
PATIENCE = 3  # times that xl may wait for memory of domain 0; on a busy machine once is too short


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("-D", action="append", default=[], metavar="NAME=VALUE[:NAME=VALUE…]",
                        dest="given", help="set variables (\\: is a colon in a value)")  # fmt: skip
    parser.add_argument("-f", dest="file", default=conf.PATH, metavar="FILE",
                        help=f"read settings from FILE, not from {conf.PATH}")  # fmt: skip
    parser.add_argument("-n", "--dry-run", action="store_true", dest="dry_run",
                        help="print the plan and do nothing")  # fmt: skip
    parser.add_argument("-c", "--console", action="store_true",
                        help="become the new domain's console; Ctrl-] leaves it")  # fmt: skip
    parser.add_argument("--count", type=int, default=1, metavar="N", help="start N domains alike")
    parser.add_argument("--micro", action="store_true",
                        help="kernel and initrd alone: a shell and the network")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Plan, and unless it is a dry run, start."""
    mistakes: variables.Pairs = []
    settings = conf.load(args.file)
    request = variables.settle(settings, args.given, args.count, args.micro, mistakes)
    if args.console and args.count != 1:
        mistakes.append(("-c is for one domain", "leave out --count, or open consoles later"))
    if args.dry_run or mistakes:
        plans, now = decide(settings, request, mistakes)
        print(report.plans(plans, settings, now))
        return 0
    with lock():
        plans, now = decide(settings, request, mistakes)
        for note in plan.notes(plans, now):
            print(f"note: {note}")
        start_all(plans)
    if args.console:
        print("the console of", plans[0].name, "follows; Ctrl-] leaves it")
        programs.become("xl", "console", plans[0].name)
    print(report.hint(plans))
    return 0


def decide(
    settings: conf.Settings, request: variables.Request, mistakes: variables.Pairs
) -> tuple[list[Plan], facts.Facts]:
    """Return the plans, and the facts that they were made from.

    Raises:
        Mistakes: all that is wrong with the command, for these settings and this machine.
        Failure: this machine cannot have further domains.
    """
    try:
        now = facts.gather(plan.files(request), addresses.host_names(request.ip))
    except Failure:
        if mistakes:
            raise Mistakes(mistakes) from None
        raise
    plans = plan.make(settings, request, now, mistakes)
    if mistakes:
        raise Mistakes(mistakes)
    return plans, now


@contextlib.contextmanager
def lock() -> Iterator[None]:
    """Keep other `create`s away, so that no address and no memory is promised twice."""
    facts.require_dom0()
    os.makedirs(FOLDER, exist_ok=True)
    with open(f"{FOLDER}/lock", "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another `xendemo create`", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def start_all(plans: Sequence[Plan]) -> None:
    """Start domains one after the other.

    Raises:
        Failure: one did not start; those before it run on.
        Interrupted: somebody stopped us; the one that was being started has been taken back.
    """
    os.makedirs(plan.GUESTS, exist_ok=True)
    started: list[str] = []
    for ready in plans:
        try:
            start(ready)
        except Failure as failure:
            raise Failure(*_with_rest(failure, plans, started)) from None
        except (KeyboardInterrupt, Interrupted):
            raise Interrupted(f"interrupted; {report.running(started)}") from None
        started.append(ready.name)


def start(ready: Plan) -> None:
    """Start a domain and say so, or leave nothing of it.

    Raises:
        Failure: xl could not start it.
        Interrupted: somebody stopped us.
    """
    terminal = sys.stdout.isatty()
    if terminal:
        print(f"{ready.name}: starting…", end="", flush=True)
    try:
        write(ready.file, ready.xl)
        for step in ready.steps:
            done, stopped = _finish(step)
            if stopped and not done.status:
                programs.run("xl", "destroy", ready.name)
            if stopped:
                raise Interrupted
            if done.status:
                raise Failure(*report.not_started(ready, done))
        number = programs.run("xl", "domid", ready.name).out.strip()
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ready.file)
        if terminal:
            print("\r\033[K", end="", flush=True)
        raise
    print(("\r\033[K" if terminal else "") + report.started(ready, number), flush=True)


def _finish(step: Sequence[str]) -> tuple[programs.Done, bool]:
    """Run a step to its end, once more if xl had too little patience with domain 0's balloon."""
    for _ in range(PATIENCE):
        done, stopped = programs.finish(*step)
        if stopped or not report.is_too_slow(done):
            break
    return done, stopped


def write(path: str, text: str) -> None:
    """Write a file by rename: there is the whole of it, or what was there before."""
    draft = f"{os.path.dirname(path)}/.{os.path.basename(path)}.new"
    try:
        with open(draft, "w", encoding="ascii") as file:
            file.write(text)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        raise


def _with_rest(failure: Failure, plans: Sequence[Plan], started: Sequence[str]) -> tuple[str, str]:
    """Return a failure's message and hint, and what became of the other domains."""
    message, hint = failure.pairs[0]
    left = [ready.name for ready in plans[len(started) + 1 :]]
    rest = f"{report.running(started)}; not begun: {', '.join(left) or 'none'}"
    return message, f"{hint}\n{rest}" if len(plans) > 1 else hint
