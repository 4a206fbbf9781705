"""A root shell in dom0, on each kind of disc: how to get it, and how to have files for guests."""

from __future__ import annotations

from dataclasses import dataclass

from democd.smoke.console import Console
from democd.smoke.disc import Disc

FOLDER = "/etc/xen/guests"

# On the full disc `xendemo` tells what it would write: that is the file.
_FULL = f"""\
mkdir -p {FOLDER}
for n in 1 2; do
xendemo create -n --micro -D name=guest$n -D type=pv -D ip=10.84.0.$n,169.254.1.$n |
sed -n '/^  file /,/^  then /s/^    //p' >{FOLDER}/guest$n.cfg || exit
done
sed 's/"pv"/"pvh"/; s/"guest1"/"pvh1"/' {FOLDER}/guest1.cfg >{FOLDER}/pvh1.cfg
grep -q '^kernel' {FOLDER}/guest2.cfg
"""

GONE = """for d in $(xl list | sed -e 1d -e '/^Domain-0 /d' -e 's/ .*//'); do xl destroy $d; done
for _ in $(seq 20); do [ $(xl list | wc -l) -gt 2 ] || exit 0; sleep 0.5; done; exit 1"""
"""Ends every guest: each case starts from none."""


@dataclass(frozen=True)
class Way:
    """How a kind of disc gives a shell.

    Attributes:
        prompt: of a shell that is there without a log-in; "" asks for one.
        prepare: commands that make the files for guests, where the disc has none.
    """

    prompt: str
    prepare: str


WAYS = {"smoke": Way(r"smoke# ", ""), "full": Way("", _FULL)}


def prompt_of(disc: Disc) -> str:
    """Return the pattern of what a disc's dom0 shows when it is up: a prompt, or a log-in's."""
    return WAYS[disc.kind].prompt or r"(?<!Last )login: "


def reach(disc: Disc, console: Console, within: float) -> None:
    """Have a root shell in dom0, ready for `Console.run`; GRUB has started Xen already.

    Args:
        disc: what is booted.
        console: of the machine.
        within: seconds until its prompt.

    Raises:
        ConsoleError: dom0 does not come up.
    """
    way = WAYS[disc.kind]
    if way.prompt:
        console.take_shell(way.prompt, within)
    else:
        console.login(timeout=within)


def prepare(disc: Disc, console: Console) -> None:
    """Make the files for guests, unless the disc has them.

    Raises:
        ConsoleError: it cannot be done.
    """
    way = WAYS[disc.kind]
    if way.prepare:
        console.get(way.prepare)
