"""What can be wanted: the command line's options, files of answers, and their mistakes."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from tests.support.lsblk import DISC, disk, facts
from xendemo import cli
from xendemo.errors import InputError, Mistakes
from xendemo.install import answers, command, dialog, password
from xendemo.install.options import (
    Options,
    hash_mistake,
    hostname_mistake,
    judge,
    parse_size,
    password_mistake,
    say_size,
)
from xendemo.install.steps import Plan, Run, Tree

HASH = "$6$abcdefgh$" + "x" * 86


def arguments(*words: str) -> argparse.Namespace:
    return cli.parser(["install", *words]).parse_args(["install", *words])


def judged(*words: str) -> list[str]:
    """All that is wrong with a command line by itself."""
    mistakes: list[tuple[str, str]] = []
    options = command.from_arguments(arguments(*words), mistakes)
    return [message for message, _ in mistakes + judge(options, command.SPELLED)]


def from_file(text: str) -> list[str]:
    """All that is wrong with a file of answers."""
    with pytest.raises(Mistakes) as caught:
        answers.read(text, "FILE")
    return [message.removeprefix("FILE: ") for message, _ in caught.value.pairs]


# --- the command line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["--disk", "/dev/sdb"],
        ["--disk", "/dev/sdb", "--wipe", "/dev/sdb", "--swap", "2G", "--separate-usr"],
        ["--disk", "/dev/sdb", "--hostname", "xen-1", "--password-hash", HASH, "--no-guests"],
        ["--into", "/dev/sda2", "--default"],
        ["--into", "/mnt", "--remove"],
        ["--frugal", "/dev/sda3", "--boot", "/dev/sda2", "--remove"],
    ],
)
def test_possible(words: list[str]) -> None:
    assert judged(*words) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--into", "/mnt", "--wipe", "/dev/sda"], "--wipe means nothing to --into"),
        (["--into", "/mnt", "--swap", "1G"], "--swap means nothing to --into"),
        (["--frugal", "/dev/sda1", "--hostname", "x"], "--hostname means nothing to --frugal"),
        (["--disk", "/dev/sda", "--default"], "--default means nothing to --disk"),
        (["--disk", "/dev/sda", "--remove"], "--remove means nothing to --disk"),
        (["--disk", "/dev/sda", "--boot", "/"], "--boot means nothing to --disk"),
        (["--disk", "sda"], "--disk sda: no whole path"),
        (["--disk", "/tmp/disk.img"], "--disk /tmp/disk.img: no device"),
        (["--frugal", "/mnt"], "--frugal /mnt: no device"),
        (["--disk", "/dev/sda", "--wipe", "sda"], "--wipe sda: no device"),
        (["--disk", "/dev/sda", "--swap", "lots"], "--swap: 'lots' is no size"),
        (["--disk", "/dev/sda", "--hostname", "a_b"], "--hostname 'a_b': cannot be a host name"),
        (["--disk", "/dev/sda", "--password-hash", "secret"], "is no hash of a password"),
    ],
)
def test_impossible(words: list[str], expected: str) -> None:
    (told,) = judged(*words)
    assert expected in told


def test_all_mistakes_are_told_at_once() -> None:
    told = judged("--disk", "sda", "--swap", "x", "--hostname", "-", "--default", "--boot", "/")
    assert len(told) == 5


def test_a_way_excludes_the_others() -> None:
    with pytest.raises(InputError, match="not allowed with argument"):
        arguments("--disk", "/dev/sda", "--into", "/mnt")


def test_remove_alone_is_about_the_linux_that_runs() -> None:
    options = command.from_arguments(arguments("--remove"), [])
    assert (options.way, options.target, options.remove) == ("into", "/", True)


def test_a_file_of_answers_is_not_mixed_with_options() -> None:
    told = command.strangers(arguments("--answers", "x", "--swap", "2G", "--no-guests", "-n"))
    assert [message.split()[0] for message, _ in told] == ["--swap", "--no-guests"]


def test_where_nobody_can_be_asked_the_answers_must_be_there() -> None:
    disk_options = Options("disk", "/dev/sda")
    assert len(command.unasked(disk_options, terminal=False)) == 2
    assert len(command.unasked(Options("into", "/"), terminal=False)) == 1
    assert command.unasked(Options("into", "/", confirm="/"), terminal=False) == []
    assert command.unasked(disk_options, terminal=True) == []


# --- files of answers -----------------------------------------------------------------------------

WHOLE = f"""
[install]
way = "disk"
target = "/dev/sda"
end = "poweroff"
[disk]
wipe = true
serial = "WD-1"
size = 500107862016
swap = "2G"
separate_usr = true
[system]
hostname = "xen1"
password_hash = "{HASH}"
guests = false
"""
START = '[install]\nway = "into"\ntarget = "/mnt"\n'
DISK = f'[install]\nway="disk"\ntarget="/dev/sda"\n[system]\npassword_hash="{HASH}"\n'


def test_a_file_says_all() -> None:
    assert answers.read(WHOLE, "FILE") == Options(
        way="disk", target="/dev/sda", wipe="/dev/sda", serial="WD-1", size=500107862016,
        hostname="xen1", password_hash=HASH, separate_usr=True, swap=2 << 30, guests=False,
        confirm="/dev/sda", unattended=True, end="poweroff",
    )  # fmt: skip


def test_every_option_has_a_key_and_only_once() -> None:
    fields = [field for field, _ in answers.KEYS.values()]
    assert len(fields) == len(set(fields))
    assert set(fields) == set(Options.__dataclass_fields__) - {"confirm", "unattended"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (START + "[disc]\n", "[disc]: unknown section"),
        (START + "taget = 1\n", "[install] taget: unknown key"),
        ('[install]\nway = "dsik"\ntarget = "/dev/sda"\n', "'dsik' is no way to install"),
        ('[install]\ntarget = "/dev/sda"\n', "[install] way is missing"),
        ('[install]\nway = "into"\n', "[install] target is missing"),
        ('[install]\nway = "into"\ntarget = 5\n', "[install] target: must be a string"),
        (START + 'end = "halt"\n', "[install] end: 'halt' is nothing"),
        (START + 'dry_run = "yes"\n', "[install] dry_run: must be true or false"),
        (DISK + "[disk]\nwipe = 1\n", "[disk] wipe: must be true or false"),
        (DISK + 'size = "2G"\n[disk]\nsize = "500G"\n', "[disk] size: must be an exact number"),
        (DISK + "[disk]\nsize = true\n", "[disk] size: must be an exact number"),
        (DISK + '[disk]\nswap = "much"\n', "[disk] swap: 'much' is no size"),
        (DISK + 'hostname = "a b"\n', "[system] hostname 'a b': cannot be a host name"),
        ('[install]\nway="disk"\ntarget="/dev/sda"\n', "[system] password_hash is missing"),
        (START + "[disk]\nserial = 'x'\n", '[disk] serial means nothing to way = "into"'),
        ("install = 1\n", "install must be a section"),
    ],
)
def test_wrong_answers(text: str, expected: str) -> None:
    assert any(expected in message for message in from_file(text))


def test_all_wrong_answers_are_told_at_once_and_the_nearest_key_named() -> None:
    with pytest.raises(Mistakes) as caught:
        answers.read('[intsall]\n[install]\nwya = "disk"\n[disk]\nswap = []\n', "FILE")
    assert len(caught.value.pairs) == 5
    hints = [hint for _, hint in caught.value.pairs]
    assert "did you mean install?" in hints[0]
    assert "did you mean way?" in hints[1]


def test_no_toml() -> None:
    with pytest.raises(InputError, match=r"FILE: .*line 1"):
        answers.read("way is disk", "FILE")


@pytest.mark.parametrize("hashed", [password.hashed("xendemo"), "plain", "$1$abc$" + "x" * 22, "*"])
def test_passwords_that_everybody_knows_or_breaks(hashed: str) -> None:
    told = from_file(DISK.replace(HASH, hashed))
    assert any("[system] password_hash" in message for message in told)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/dev/sdb1:/a/b.toml", answers.Place("/dev/sdb1", "/a/b.toml")),
        ("LABEL=ANSWERS:/answers.toml", answers.Place("LABEL=ANSWERS", "/answers.toml")),
        ("UUID=12-34:/x", answers.Place("UUID=12-34", "/x")),
        ("http://server:8000/x.toml", "http://server:8000/x.toml"),
        ("/cdrom/x.toml", "/cdrom/x.toml"),
    ],
)
def test_where_answers_may_be(name: str, expected: Any) -> None:
    assert answers.place(name) == expected


@pytest.mark.parametrize(
    "name", ["x.toml", "ftp://server/x", "/dev/sdb1", "/dev/sdb1:x", "file:/x"]
)
def test_where_answers_cannot_be(name: str) -> None:
    with pytest.raises(InputError, match="neither a URL nor"):
        answers.place(name)


def test_the_kernels_command_line_names_them() -> None:
    assert answers.from_command_line("quiet answers=/a ro answers=LABEL=X:/b\n") == "LABEL=X:/b"
    for words in ("quiet", "answers=", "noanswers=/x"):
        with pytest.raises(InputError, match="has no answers="):
            answers.from_command_line(words)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512M", 512 << 20), ("2g", 2 << 30), ("4 GiB", 4 << 30), ("1KB", 1024)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5G", "G", "12X", "1 2"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


def test_sizes_are_said() -> None:
    assert [say_size(size) for size in (700, 3 << 20, 1000 << 30, 2 << 40)] == [
        "700 bytes", "3.0 MiB", "1000.0 GiB", "2.0 TiB",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "ä", "x" * 64])
def test_no_host_names(name: str) -> None:
    assert hostname_mistake(name)


@pytest.mark.parametrize("name", ["a", "xen-1", "0", "x" * 63])
def test_host_names(name: str) -> None:
    assert not hostname_mistake(name)


def test_passwords() -> None:
    assert [bool(password_mistake(word)) for word in ("", "xendemo", "a\tb", "good one")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_a_hash_is_one_of_its_password_and_salted() -> None:
    first, second = password.hashed("Zoë's"), password.hashed("Zoë's")
    assert first != second
    assert password.is_hash_of("Zoë's", first)
    assert not password.is_hash_of("Zoe's", first)
    assert not hash_mistake(first)


# --- what is shown --------------------------------------------------------------------------------


def test_a_plan_is_shown_in_words_and_commands() -> None:
    plan = Plan(
        title="it goes there",
        words=("one thing", "another"),
        steps=(
            Run("set the password", ("chpasswd",), given="root:$6$secret", secret=True),
            Tree("unpack base", "/a b", "/mnt", exclude=("etc/x",)),
        ),
        confirm="/dev/sdb",
        after=(),
    )
    assert command.shown(plan) == (
        "It goes there:\n  - one thing\n  - another\n\nWhat will be done:\n"
        "  # set the password\n  chpasswd < …\n"
        "  # unpack base\n  cp -a '/a b/.' /mnt   # without etc/x\n"
    )


def test_only_the_targets_name_confirms() -> None:
    machine = facts(disk("sdb"), disc=DISC)
    names = {"/dev/disk/by-id/x": "/dev/sdb", **machine.names}
    for typed in ("/dev/sdb", "/dev/disk/by-id/x"):
        dialog.confirm("/dev/sdb", Options("disk", "/dev/sdb", confirm=typed), names)
    for typed in ("/dev/sda", "y", "yes", "sdb"):
        with pytest.raises(InputError, match="is not /dev/sdb"):
            dialog.confirm("/dev/sdb", Options("disk", "/dev/sdb", confirm=typed), names)
