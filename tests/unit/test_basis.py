"""What of a root's packages must be there before apt and dpkg can work in it."""

from __future__ import annotations

import pytest

from democd import basis
from democd.errors import BuildError
from democd.formats import deb822

INDEX = """\
Package: nano
Depends: libc6

Package: dash
Essential: yes
Depends: awk (>= 1), libc6 | musl
Pre-Depends: debconf (>= 0.5) | debconf-2.0, init:any

Package: apt
Depends: libapt, dash, apt

Package: libapt
Provides: libapt6 (= 1.0), libapt-old

Package: mawk
Provides: awk
Depends: libapt-old

Package: gawk
Provides: awk

Package: libc6

Package: musl

Package: cdebconf
Provides: debconf-2.0

Package: init
"""


def chosen(index: str) -> list[str]:
    return [package["Package"] for package in basis.choose(deb822.stanzas(index))]


def test_it_is_what_is_essential_and_apt_with_all_that_they_need() -> None:
    assert chosen(INDEX) == ["apt", "cdebconf", "dash", "gawk", "init", "libapt", "libc6"]


def test_it_does_not_depend_on_the_order_of_the_list() -> None:
    stanzas = INDEX.rstrip("\n").split("\n\n")
    assert chosen("\n\n".join(reversed(stanzas))) == chosen(INDEX)


def test_what_is_lacking_is_told() -> None:
    with pytest.raises(BuildError, match=r"dash depends on init:any, which the root lacks"):
        chosen(INDEX.replace("Package: init\n", ""))
    with pytest.raises(BuildError, match="no package apt"):
        chosen("Package: nano\n")
