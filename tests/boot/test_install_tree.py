"""A disc with an install tree: the tree's Xen boots, and it is the tree's tools that run on it.

It has sources as well, which lie at /usr/local/src.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.boot import checks as c
from tests.boot.fleet import Case, Check, Fleet, Visit, finding
from tests.boot.guests import a_micro_guest_runs
from tests.support.shaping import SERIES

pytestmark = pytest.mark.boot


def the_trees_tools_run_on_its_xen(visit: Visit) -> None:
    info = visit.console.get("xl info")
    assert f"xen_version            : {SERIES}." in info
    programs = visit.console.get(
        'readlink -f "$(command -v xl)" "$(command -v xenstore-ls)" '
        f"/usr/sbin/xl /usr/sbin/xenstored /usr/lib/xen-{SERIES}/bin/xen-init-dom0"
    )
    assert programs.split() == [
        "/usr/local/sbin/xl", "/usr/local/bin/xenstore-ls", "/usr/local/sbin/xl",
        "/usr/local/sbin/xenstored", "/usr/local/lib/xen/bin/xen-init-dom0",
    ]  # fmt: skip
    for daemon in ("xenstored", "xenconsoled"):
        running = visit.console.get(f"readlink -f /proc/$(pidof {daemon})/exe")
        assert running == f"/usr/local/sbin/{daemon}"


def the_trees_libraries_are_found(visit: Visit) -> None:
    used = visit.console.get(
        "ldd /usr/local/sbin/xl | grep -o '/.*libxen[^ ]*' | xargs readlink -f"
    )
    assert used
    assert all(path.startswith("/usr/local/lib/") for path in used.split()), used


def sources_are_mounted(visit: Visit) -> None:
    readme = visit.console.get("cat /usr/local/src/README")
    told = json.loads(visit.console.get("cat /cdrom/manifest.json"))["sources"]
    assert [source["name"] for source in told] == ["busybox", "democd"]
    for source in told:
        line = rf"^{source['name']} +{re.escape(source['version'])}$"
        assert re.search(line, readme, re.MULTILINE)
    visit.console.get(
        "test -f /usr/local/src/busybox/debian/rules -a -f /usr/local/src/democd/build.py"
    )
    assert "ro," in visit.console.get("findmnt -rno OPTIONS /usr/local/src")


CASE = Case(
    "install-tree",
    (
        c.comes_up,
        c.dom0_runs,
        the_trees_tools_run_on_its_xen,
        the_trees_libraries_are_found,
        c.xenstore_and_consoles_run,
        c.no_failed_units,
        sources_are_mounted,
        a_micro_guest_runs,  # by the tree's tools
    ),
    memory=700,
    disc="tree_iso",
)


@pytest.mark.cases(CASE)
@pytest.mark.parametrize("check", CASE.checks, ids=lambda check: check.__name__)
def test_tree(check: Check, fleet: Fleet) -> None:
    finding(fleet.report(CASE.name), check)
