"""What is checked on a machine that a network has started."""

from __future__ import annotations

from democd import layout
from tests.boot.fleet import Visit


def wrong_layer_is_named_and_not_booted(visit: Visit) -> None:
    console = visit.console
    told = console.expect([r"common\.squashfs IS NOT WHAT THE DISC HAS", r"login: "], 600)
    assert told.index == 0
    console.expect("Nothing is booted", 60)
    console.expect("# ", 60)
    # It stays so: a shell, no layer, no log-in.
    console.press("ls /run/democd/layers | wc -l; echo $((40 + 2))\r")
    assert console.expect([r"\b0\s+42", "login: "], 60).index == 0


def right_layer_is_fetched_then_and_it_boots(visit: Visit) -> None:
    visit.console.press("fetch\r")
    visit.greeting = visit.console.login("root")
    asked = visit.server_asked()
    assert asked.count(layout.layer_path("common")) == 2
    assert asked.count(layout.layer_path("base")) == 1


def every_layer_came_over_the_network_and_is_right(visit: Visit) -> None:
    asked = visit.server_asked()
    sums = visit.console.get("cd /cdrom && grep ' live/' SHA256SUMS | sha256sum -c", 300)
    there = [line.partition(":")[0] for line in sums.splitlines()]
    assert len(there) >= 6
    assert sums.count(": OK") == len(there), sums
    assert {f"/{name}" for name in there} <= set(asked)


def a_file_of_each_layer_is_in_the_root(visit: Visit) -> None:
    layers = visit.console.get("ls /run/democd/layers").split()
    assert {"base", "common", "xendemo", "dom0"} <= set(layers)
    same = (
        "for l in /run/democd/layers/*; do cd $l; find . -type f -size +0 | while read -r f; do"
        ' cmp -s "$f" "/$f" && echo ${l##*/} && break; done; done'
    )
    assert set(visit.console.get(same).split()) == set(layers)


def disc_is_whole_in_memory(visit: Visit) -> None:
    source = visit.console.get("findmnt -rno SOURCE /cdrom")
    assert source.startswith("/dev/loop")
    backing = visit.console.get(f"cat /sys/block/{source[5:]}/loop/backing_file")
    assert backing.endswith("/ram/disc.iso")
    assert visit.console.run("test -s /cdrom/boot/vmlinuz-xenU").status == 0
