"""What apt says when it fails, in words that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from democd.errors import BuildError

TROUBLE = (
    (
        r"^E: (?:Unable to locate package|Package) '?([^\s']+)(?:$|' has no installation cand)",
        "Debian {suite} has no package {names}",
        "correct rootfs/packages/ or the recipe's root.extra; a package may also be of a component "
        "that root.components lacks",
    ),
    (
        r"^(?:E:.*is not signed|W:.*signatures (?:were invalid|couldn't be verified).*)",
        "the archive is not signed with Debian's keys",
        "nothing of it was used; see root.mirror, or install a newer debian-archive-keyring",
    ),
    (
        r"^E:.*Release file .*is (?:not valid yet|expired).*",
        "the archive's date and this machine's clock do not go together",
        "set the clock, or choose a mirror that is up to date",
    ),
    (
        r"^E: Failed to fetch .*(?:Hash Sum mismatch|File has unexpected size)",
        "the mirror sent other bytes than it should have",
        "nothing of them was kept; try again, or choose another root.mirror",
    ),
    (
        r"^E: (?:Failed to fetch .*|The repository .* does not have a Release file.*)",
        "Debian {suite} cannot be fetched",
        "see to the network, the proxy (http_proxy), or the recipe's root.mirror",
    ),
    (
        r"^unshare: .*",
        "this user may not work in namespaces of their own",
        "build as root, or see that /etc/subuid and /etc/subgid have a line for the user (adduser "
        "makes them) and that the kernel allows user namespaces",
    ),
)
"""What apt or unshare prints when it fails, what to call it, and what to do; the first counts."""


def explain(error: BuildError, said: Iterable[str], suite: str) -> BuildError:
    """Return a failure in the words of `TROUBLE`, or as it is if they have none.

    Args:
        error: what `run` raised.
        said: all lines that the program has printed.
        suite: the Debian release.
    """
    lines = list(dict.fromkeys(line.strip() for line in said))
    for pattern, message, advice in TROUBLE:
        hits = [(line, hit) for line in lines if (hit := re.search(pattern, line))]
        if hits:
            names = ", ".join(hit[1] for _, hit in hits if hit.re.groups)
            told = "\n".join(line for line, _ in hits)
            return BuildError(message.format(suite=suite, names=names), f"{advice}\n{told}")
    return error
