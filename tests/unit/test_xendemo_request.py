"""The variables of `xendemo create -D`."""

from __future__ import annotations

from pathlib import Path

import pytest

from xendemo import conf
from xendemo.variables import Pairs, Request, settle

OWN = {"variables": {"nfs_server": {"help": "where /home is"}}}


def ask(*given: str, count: int = 1, micro: bool = False, own: bool = False) -> Request:
    mistakes: Pairs = []
    settings = conf.judge(OWN if own else {}, "x")
    request = settle(settings, given, count, micro, mistakes)
    assert mistakes == []
    return request


def wrong(*given: str, count: int = 1, own: bool = False) -> Pairs:
    mistakes: Pairs = []
    settle(conf.judge(OWN if own else {}, "x"), given, count, False, mistakes)
    return mistakes


def test_defaults() -> None:
    request = ask()
    assert (request.name, request.mem, request.vcpus) == ("guest#", 96, 1)
    assert (request.type, request.ip, request.count) == ("auto", ("auto",), 1)


def test_micro_has_defaults_of_its_own_that_give_way() -> None:
    assert ask(micro=True).mem == int(conf.judge({}, "x").micro_defaults["mem"])
    assert ask("mem=80", micro=True).mem == 80
    assert "role=micro" in ask(micro=True).template.cmdline


def test_several_in_one_option_and_several_options() -> None:
    request = ask("mem=64:name=web", "vcpus=2")
    assert (request.mem, request.name, request.vcpus) == (64, "web", 2)


def test_values_hold_equals_signs_blanks_and_escaped_colons() -> None:
    assert ask("extra=ssh=password debug").values["extra"] == "ssh=password debug"
    assert ask(r"extra=a\:b=c:mem=64").values["extra"] == "a:b=c"
    assert ask(r"extra=a\b").values["extra"] == r"a\b"
    assert ask("extra=").values["extra"] == ""


def test_variables_of_ones_own() -> None:
    assert ask("nfs_server=10.0.0.1", own=True).values["nfs_server"] == "10.0.0.1"
    assert wrong(own=True) == [("nfs_server must be given: where /home is",
                                "add -D nfs_server=…")]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "mib"),
    [("96", 96), ("96M", 96), ("128MB", 128), ("128MiB", 128), ("1G", 1024), ("2gb", 2048)],
)
def test_memory_may_have_a_unit(text: str, mib: int) -> None:
    assert ask(f"mem={text}").mem == mib


@pytest.mark.parametrize(
    ("name", "count", "pattern"),
    [
        ("web", 1, "web"), ("web", 3, "web#"), ("web#", 1, "web#"), ("a#b", 2, "a#b"),
        ("x" * 63, 1, "x" * 63), ("7up", 1, "7up"), ("a.b_c-d", 1, "a.b_c-d"),
    ],
)  # fmt: skip
def test_names(name: str, count: int, pattern: str) -> None:
    assert ask(f"name={name}", count=count).name == pattern


def test_addresses_are_a_list() -> None:
    assert ask("ip=auto,192.168.1.5").ip == ("auto", "192.168.1.5")
    assert ask("ip=128.23.45.34, 169.254.1.1").ip == ("128.23.45.34", "169.254.1.1")


@pytest.mark.parametrize(
    ("given", "what", "remedy"),
    [
        ("nmae=x", "-D nmae: unknown variable", "did you mean name? known: name, mem"),
        ("qqqqqq=x", "-D qqqqqq: unknown variable", "known: name, mem"),
        ("mem", "'mem' has no '='", "write -D name=value"),
        ("mem=64:", "'' has no '='", r"\: is one in a value"),
        ("", "'' has no '='", "write -D name=value"),
        ("mem=64:mem=32", "-D mem is given twice", "write it once"),
        ("ip=10.0.0.1:ip=10.0.0.2", "-D ip is given twice", "-D ip=A,B"),
        ("mem=lots", "mem=lots is no size", "-D mem=96"),
        ("mem=", "mem= is no size", "-D mem=96"),
        ("mem=-5", "mem=-5 is no size", "-D mem=96"),
        ("mem=9.5", "mem=9.5 is no size", "-D mem=96"),
        ("mem=4", "mem=4 is too little for a kernel", "16 or more"),
        ("vcpus=0", "vcpus=0 is not possible", "write 1 to 128"),
        ("vcpus=129", "vcpus=129 is not possible", "write 1 to 128"),
        ("vcpus=two", "vcpus=two is not possible", "write 1 to 128"),
        ("type=hvm", "type=hvm is no type of domain", "known: auto, pv, pvh"),
        ("type=PVH", "type=PVH is no type of domain", "did you mean pvh?"),
        ("name=", "'' cannot be a domain's name", "1 to 63 letters"),
        ("name=../x", "'../x' cannot be a domain's name", "a letter or digit first"),
        ("name=-x", "'-x' cannot be a domain's name", "a letter or digit first"),
        ("name=a b", "'a b' cannot be a domain's name", "letters, digits"),
        ("name=a##", "'a##' cannot be a domain's name", "one # stands for a number"),
        ("name=" + "x" * 64, "cannot be a domain's name", "1 to 63 letters"),
        ("name=12", "'12' would be taken for a domain's id", "begin it with a letter"),
        ("name=#", "'#' would be taken for a domain's id", "begin it with a letter"),
        ("ip=", "ip=: an address is missing", "-D ip=A,B"),
        ("ip=10.0.0.1,", "ip=10.0.0.1,: an address is missing", "-D ip=A,B"),
        ("ip=::1", "domains have IPv4 addresses only", "-D ip=A.B.C.D"),
        ("ip=10.0.0.1,fe80::1", "domains have IPv4 addresses only", "-D ip=A.B.C.D"),
        ("extra=é", "-D extra: characters that", "printable ASCII"),
        ("extra=a\nb", "-D extra: characters that", "printable ASCII"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(given: str, what: str, remedy: str) -> None:
    [(told, advice)] = wrong(given)
    assert what in told
    assert remedy in advice


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_how_many(count: int) -> None:
    assert wrong(count=count) == [(f"--count {count} is not possible", "write 1 to 1000")]


def test_all_mistakes_are_told_at_once() -> None:
    assert len(wrong("mem=4:vcpus=0", "nmae=x", "type=x", count=0)) == 5


def test_a_wrong_default_is_found_too(tmp_path: Path) -> None:
    settings = conf.judge({"variables": {"mem": {"default": "lots"}}}, "x")
    mistakes: Pairs = []
    settle(settings, [], 1, False, mistakes)
    assert [what for what, _ in mistakes] == ["mem=lots is no size"]
