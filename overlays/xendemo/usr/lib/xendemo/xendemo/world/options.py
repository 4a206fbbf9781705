"""What is to be built: from the words of the command line, and the two variables of 2004. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xendemo.words import choice

Pairs = list[tuple[str, str]]

SOURCE = "/usr/local/src/xen"
FOLDER = "/var/tmp/world"
TARGETS = ("xen", "tools", "xen0", "xenU")
KERNELS = ("xen0", "xenU")
BOTH = "kernels"  # of the two
VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
TARBALL, SEARCHED = "LINUX_SRC", "LINUX_SRC_PATH"
PLACES = ".:..:/usr/local/src/linux:/usr/src"  # where a kernel is looked for unless it is said


@dataclass(frozen=True)
class Options:
    """What is wanted.

    Args:
        targets: of TARGETS, in that order.
        variables: NAME=VALUE, which every `make` of Xen gets.
        tarball: of a pristine kernel; "" to look for one in `searched`.
        searched: folders, with : between.
        source: Xen's tree, which is copied and not written to.
        folder: where it is built; what becomes of it is in its folder `install`.
        jobs: how many programs `make` runs at a time; 0 for one each processor.
        configure: further words for Xen's ./configure.
    """

    targets: tuple[str, ...] = ("xen", "tools")
    variables: tuple[str, ...] = ()
    tarball: str = ""
    searched: str = PLACES
    source: str = SOURCE
    folder: str = FOLDER
    jobs: int = 0
    configure: tuple[str, ...] = ()

    @property
    def kernels(self) -> tuple[str, ...]:
        """The kernels among the targets."""
        return tuple(name for name in self.targets if name in KERNELS)

    @property
    def install(self) -> str:
        """Where the result is."""
        return f"{self.folder}/install"

    @property
    def log(self) -> str:
        """Where all that the programs write is."""
        return f"{self.folder}/world.log"


def settle(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    source: str,
    folder: str,
    jobs: int,
    configure: str,
    mistakes: Pairs,
) -> Options:
    """Return what is wanted; what is wrong with it goes to `mistakes`.

    LINUX_SRC and LINUX_SRC_PATH are taken from the environment as well; words come first.
    """
    given = {name: environment[name] for name in (TARBALL, SEARCHED) if environment.get(name)}
    variables, targets = [], set()
    for word in words:
        if match := VARIABLE.fullmatch(word):
            if match[1] in (TARBALL, SEARCHED):
                given[match[1]] = match[2]
            else:
                variables.append(word)
        elif word == BOTH:
            targets |= set(KERNELS)
        elif word in TARGETS:
            targets.add(word)
        else:
            mistakes.append((f"{word}: there is no such thing to build",
                             choice(word, (*TARGETS, BOTH, "NAME=VALUE"))))  # fmt: skip
    if not targets:
        targets = {"xen", "tools", *(KERNELS if given else ())}
    if jobs < 0:
        mistakes.append((f"-j {jobs}: that is no number of jobs", "one or more; 0 for as many as "
                         "there are processors"))  # fmt: skip
    try:
        further = tuple(shlex.split(configure))
    except ValueError as error:
        further = ()
        mistakes.append((f"--configure {configure}: {error}", "quote its words as for a shell"))
    return Options(
        targets=tuple(name for name in TARGETS if name in targets),
        variables=tuple(variables),
        tarball=given.get(TARBALL, ""),
        searched=given.get(SEARCHED, PLACES),
        source=source,
        folder=folder,
        jobs=jobs,
        configure=further,
    )
