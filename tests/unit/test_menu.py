"""Entries of a grub.cfg, as numbers, names and titles of a person's choice."""

from __future__ import annotations

import pytest

from democd.errors import BuildError, InputError
from democd.smoke.menu import (
    BOOT,
    DOWN,
    EDIT,
    END,
    KERNEL_LINE,
    Edit,
    Entry,
    edit_keys,
    entries,
    find,
)

MENU = """\
set timeout=10
if [ "$grub_platform" = efi ]; then
  set x=1
fi
function helper {
  echo 'menuentry'
}
menuentry 'Xen / Linux 6.12' --id xen {
  echo 'Loading'
  multiboot2 /boot/xen.gz
  module2 /boot/vmlinuz-xen0 role=dom0
}
menuentry "Linux 6.12" --class linux --id linux {
  linux /boot/vmlinuz-xen0
}
submenu 'More ways to start ...' --id more {
  menuentry 'To RAM' --id toram {
    if true; then
      linux /boot/vmlinuz-xen0 toram
    fi
  }

  submenu 'Deeper' {
    menuentry 'Deepest' {
      halt
    }
  }
  menuentry 'Disk' --id disk {
    chainloader +1
  }
}
menuentry 'Help' --id help {
  read answer
}
"""


def test_every_entry_has_its_place() -> None:
    found = [(entry.number(), entry.name, entry.title) for entry in entries(MENU)]
    assert found == [
        ("1", "xen", "Xen / Linux 6.12"),
        ("2", "linux", "Linux 6.12"),
        ("3>1", "toram", "To RAM"),
        ("3>2>1", "", "Deepest"),
        ("3>3", "disk", "Disk"),
        ("4", "help", "Help"),
    ]


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ("2", "Linux 6.12"),
        ("linux", "Linux 6.12"),  # the name counts before a part of two titles
        ("3>1", "To RAM"),
        ("deep", "Deepest"),
        ("Xen / Linux 6.12", "Xen / Linux 6.12"),
    ],
)
def test_an_entry_is_found_as_a_person_names_it(wanted: str, title: str) -> None:
    assert find(entries(MENU), wanted).title == title


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [("floppy", "no menu entry"), ("6.12", "several"), ("3", "no menu entry")],
)
def test_the_choice_is_listed_when_it_is_not_clear(wanted: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        find(entries(MENU), wanted)
    assert "Linux 6.12" in caught.value.hint


def xen() -> Entry:
    return find(entries(MENU), "xen")


def test_edits_go_down_the_entry_line_by_line() -> None:
    # Line 0 of the editor is `setparams`, line 1 is what stands behind the brace.
    keys = edit_keys(xen(), [Edit(KERNEL_LINE, append="ip=dhcp"), Edit("echo", replace="  echo")])
    assert keys == DOWN * 2 + "\x01\x0b  echo" + DOWN * 2 + END + " ip=dhcp"
    assert EDIT not in keys.replace("  echo", "")
    assert BOOT not in keys


def test_an_edit_without_its_line_is_refused() -> None:
    with pytest.raises(BuildError, match="no line like"):
        edit_keys(xen(), [Edit("initrd")])
