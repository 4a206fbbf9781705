"""Plans of new domains: from settings, a request and recorded facts to files for xl, or errors."""

from __future__ import annotations

import ast
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.support.xendemo_recorded import XL_TOO_SMALL, recorded
from xendemo import conf, facts, memory, plan, report
from xendemo.plan import Plan
from xendemo.run import Done
from xendemo.variables import Pairs, settle

SETTINGS = conf.judge({}, "x")
HAP = frozenset({"pv", "hvm", "hap"})


def decide(
    *given: str, count: int = 1, micro: bool = False, settings: conf.Settings = SETTINGS,
    now: facts.Facts | None = None,
) -> tuple[list[Plan], Pairs]:  # fmt: skip
    mistakes: Pairs = []
    request = settle(settings, given, count, micro, mistakes)
    return plan.make(settings, request, now or recorded(), mistakes), mistakes


def plans(*given: str, **others: Any) -> list[Plan]:
    ready, mistakes = decide(*given, **others)
    assert mistakes == []
    return ready


def wrong(*given: str, **others: Any) -> Pairs:
    ready, mistakes = decide(*given, **others)
    assert ready == []
    return mistakes


def settings(**tables: Any) -> conf.Settings:
    return conf.judge(tables, "x")


def xl_values(text: str) -> dict[str, Any]:
    """An xl file whose values are written as Python writes its own, which ours are."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {key: ast.literal_eval(value) for key, value in (line.split(" = ", 1) for line in lines)}


def machine(**changed: Any) -> facts.Facts:
    return recorded(host=replace(recorded().host, **changed))


def test_the_default_domain() -> None:
    [web] = plans()
    words = (
        "console=hvc0 role=guest quiet cgroup.memory=nokmem "
        "ip=10.84.0.2::169.254.1.0:255.255.255.255:guest2:eth0:off:169.254.1.0 "
        "LINKLOCAL=169.254.1.2"
    )
    assert web.file == "/etc/xen/guests/guest2.cfg"
    assert web.steps == (("xl", "create", "/etc/xen/guests/guest2.cfg"),)
    assert web.cmdline == words
    assert xl_values(web.xl) == {
        "name": "guest2",
        "type": "pv",
        "kernel": "/cdrom/boot/vmlinuz-xenU",
        "ramdisk": "/cdrom/boot/initrd-xenU",
        "cmdline": words,
        "memory": 96,
        "vcpus": 1,
        "vif": ["mac=00:16:3e:fe:01:02,ip=10.84.0.2 169.254.1.2,script=vif-xendemo"],
        "disk": ["/dev/sr0,raw,xvda,ro,script=block-disc"],
    }


def test_a_domain_with_everything_asked_for() -> None:
    [web] = plans("name=web:mem=128:vcpus=2:type=pv", "ip=192.168.9.4,10.0.2.40,169.254.7.7",
                  "extra=ssh=password quiet")  # fmt: skip
    assert (web.name, web.memory, web.vcpus, web.type) == ("web", 128, 2, "pv")
    assert web.mac == "00:16:3e:fe:07:07"
    assert web.cmdline == (
        "console=hvc0 role=guest quiet cgroup.memory=nokmem ssh=password quiet "
        "ip=192.168.9.4::169.254.1.0:255.255.255.255:web:eth0:off:169.254.1.0 "
        "ip=10.0.2.40:::255.255.255.255::eth0:off LINKLOCAL=169.254.7.7"
    )
    assert xl_values(web.xl)["vif"] == [
        "mac=00:16:3e:fe:07:07,ip=192.168.9.4 10.0.2.40 169.254.7.7,script=vif-xendemo"
    ]


def test_micro_is_kernel_and_initrd_alone() -> None:
    [small] = plans(micro=True)
    assert small.micro
    assert small.disks == ()
    assert small.cmdline.startswith(
        "console=hvc0 role=micro quiet cgroup.memory=nokmem ip=10.84.0.2::"
    )
    assert xl_values(small.xl)["disk"] == []
    assert not plans()[0].micro


def test_several_are_alike_but_for_names_and_addresses() -> None:
    names = [(one.name, str(one.addresses[0]), str(one.linklocal)) for one in plans(count=3)]
    assert names == [
        ("guest2", "10.84.0.2", "169.254.1.2"), ("guest3", "10.84.0.3", "169.254.1.3"),
        ("guest4", "10.84.0.4", "169.254.1.4"),
    ]  # fmt: skip
    assert [one.name for one in plans("name=web", count=2)] == ["web1", "web2"]
    assert [one.name for one in plans("name=a#b", count=2)] == ["a1b", "a2b"]


def test_the_lowest_free_number() -> None:
    extra = facts.Domain(20, "guest3", 96, 1, "-b----")
    now = recorded(domains=(*recorded().domains, extra))
    assert [one.name for one in plans(count=3, now=now)] == ["guest2", "guest4", "guest5"]


@pytest.mark.parametrize(("name", "other"), [("guest1", "guest2"), ("stock", "stock1")])
def test_a_name_that_is_taken(name: str, other: str) -> None:
    assert wrong(f"name={name}") == [
        (f"there is a domain {name} already", f"take another name: -D name={other}")
    ]


def test_domain_0s_name_is_taken() -> None:
    [(what, _)] = wrong("name=Domain-0")
    assert what == "there is a domain Domain-0 already"


def test_an_address_that_is_taken_names_its_owner() -> None:
    assert wrong("ip=10.84.0.1")[0][0] == "10.84.0.1 is taken by guest1"
    assert wrong("ip=169.254.1.1")[0][0] == "169.254.1.1 is taken by guest1"
    ending = recorded(vifs={99: (IPv4Address("10.84.0.7"),)})
    [(what, _)] = wrong("ip=10.84.0.7", now=ending)
    assert what == "10.84.0.7 is taken by domain 99, which is ending"
    assert wrong("ip=10.0.2.15")[0][0] == "10.0.2.15 is domain 0's own (eth0)"


def test_pvh_where_the_processor_can() -> None:
    assert plans(now=machine(virt_caps=HAP))[0].type == "pvh"
    assert plans(now=machine(virt_caps=HAP))[0].why == "auto: the processor has hvm and hap"
    assert plans("type=pv", now=machine(virt_caps=HAP))[0].type == "pv"
    assert plans()[0].why == "auto: `xl info` has no hap in virt_caps"
    shadow = machine(virt_caps=frozenset({"pv", "hvm", "shadow"}))
    assert plans(now=shadow)[0].type == "pv"
    assert plans("type=pvh", now=shadow)[0].type == "pvh"


@pytest.mark.parametrize(
    ("caps", "wanted", "what"),
    [
        ({"pv"}, "pvh", "no hvm and no hap in virt_caps"),
        ({"pv", "hvm"}, "pvh", "`xl info` has no hap in virt_caps"),
        ({"hvm", "hap"}, "pv", "`xl info` has no pv in virt_caps"),
    ],
)
def test_a_type_that_the_machine_cannot(caps: set[str], wanted: str, what: str) -> None:
    [(told, remedy)] = wrong(f"type={wanted}", now=machine(virt_caps=frozenset(caps)))
    assert told.startswith(f"type={wanted} is not possible on this machine")
    assert what in told
    assert "type=auto" in remedy


def test_a_choice_at_the_boot_menu_holds_for_guests() -> None:
    open_ = recorded(passwords=True)
    assert plans(now=open_)[0].cmdline.split()[-1] == "ssh=password"
    assert plans("extra=ssh=password", now=open_)[0].cmdline.count("ssh=password") == 1
    assert "ssh=password" not in plans(micro=True, now=open_)[0].cmdline
    assert "ssh=password" not in plans()[0].cmdline


def test_more_processors_than_there_are_is_told_but_done() -> None:
    ready = plans("vcpus=4")
    assert list(plan.notes(ready, recorded())) == [
        "4 virtual processors share 1 processor of this machine"
    ]
    assert list(plan.notes(plans(), recorded())) == []


def test_settings_have_their_say() -> None:
    own = settings(
        variables={"nfs": {"help": "x"}},
        domain={
            "kernel": "/boot/{name}", "ramdisk": "/boot/i", "cmdline": "nfs={nfs} {ip}  {mem}",
            "disk": ["/img/{name},raw,xvda,w", "{medium},raw,xvdb,ro"],
        },
        xl={"on_crash": "preserve", "cpu_weight": 3, "x": ['a"b', "c\\d"]},
    )  # fmt: skip
    [web] = plans("name=web", "nfs=10.0.0.9", settings=own)
    assert web.kernel == "/boot/web"
    assert web.cmdline.startswith("nfs=10.0.0.9 10.84.0.2 96 ip=10.84.0.2:")
    assert web.disks == ("/img/web,raw,xvda,w", "/dev/sr0,raw,xvdb,ro")
    values = xl_values(web.xl)
    assert values["on_crash"] == "preserve"
    assert values["cpu_weight"] == 3
    assert values["x"] == ['a"b', "c\\d"]


def test_files_that_are_looked_at_beforehand() -> None:
    own = settings(domain={"disk": [
        "{medium},raw,xvda,ro", "/img/a,raw,xvdb,w", "format=raw, vdev=xvdc, target=/img/b",
        "/img/{name},raw,xvdd,w", "phy:sdb,xvde,w", "/img/{extra},raw,xvdf,w",
    ]})  # fmt: skip
    request = settle(own, ["extra=c"], 1, False, [])
    assert plan.files(request) == [
        "/cdrom/boot/vmlinuz-xenU", "/cdrom/boot/initrd-xenU", "/img/a", "/img/b", "/img/c",
    ]  # fmt: skip


def test_a_file_that_is_not_there() -> None:
    now = recorded(unreadable={"/img/a": "No such file or directory"})
    [(what, remedy)] = wrong(now=now)
    assert what == "/img/a: No such file or directory"
    assert "settings" in remedy


def test_a_medium_that_is_gone() -> None:
    gone = recorded(
        medium=facts.Medium("/dev/sr0", "cannot be read: No medium found"),
        unreadable={"/cdrom/boot/vmlinuz-xenU": "the disc is gone"},
    )
    for micro in (False, True):
        [(what, remedy)] = wrong(micro=micro, now=gone)
        assert what == "the disc in /dev/sr0 cannot be read: No medium found"
        assert "toram" in remedy
    own = settings(domain={"kernel": "/k", "ramdisk": "/i", "disk": []})
    assert plans(settings=own, now=replace(gone, unreadable={}))


def test_a_disc_in_memory_is_handed_on() -> None:
    [one] = plans(now=recorded(medium=facts.Medium("/dev/loop0")))
    assert one.disks == ("/dev/loop0,raw,xvda,ro,script=block-disc",)


def test_memory_by_libxls_rule() -> None:
    assert memory.needed(96, 1, "pv") == 100
    assert memory.needed(96, 1, "pvh") == 100
    assert memory.needed(1024, 4, "pvh") == 1038
    assert memory.together(1, 96, 1, "pv") == 100
    assert memory.together(4, 96, 1, "pv") == 3 * 97 + 100


def test_domain_0_gives_down_to_its_floor_and_what_it_can_spare() -> None:
    assert memory.from_dom0(SETTINGS, recorded(available=318)) == 318 - 64
    assert memory.from_dom0(SETTINGS, recorded(available=5000)) == 512 - 192
    assert memory.from_dom0(SETTINGS, recorded(available=40)) == 0


def test_no_memory_left() -> None:
    now = recorded(host=replace(recorded().host, free=150), available=104)
    assert plans("mem=180", now=now)
    [(what, remedy)] = wrong("mem=190", now=now)
    assert what == (
        "not enough memory: 194 MiB needed; 150 MiB are free, and domain 0 can give 40 MiB"
    )
    assert "-D mem=MiB" in remedy
    assert "dom0_mem=" in remedy
    assert "--count" not in remedy
    [(what, remedy)] = wrong("mem=80", count=9, now=now)
    assert "732 MiB needed for 9 domains of 80 MiB" in what
    assert "--count 2" in remedy
    assert plans("mem=80", count=2, now=now)


def test_domain_0_needs_memory_for_xl_itself() -> None:
    assert plans(now=recorded(available=64))
    [(what, remedy)] = wrong(now=recorded(available=63))
    assert what == ("domain 0 itself is short of memory: 63 MiB are available, and xl needs 64 MiB")
    assert "end" in remedy
    [(what, _)] = wrong("mem=72", count=8, now=recorded(available=70))
    assert "xl needs 78 MiB" in what


def test_a_kernel_that_does_not_fit() -> None:
    [(what, remedy)] = wrong("mem=71")
    assert what == "mem=71 is too little: /cdrom/boot/vmlinuz-xenU needs 72 MiB to start"
    assert remedy == "write 72 or more: -D mem=72"
    assert plans("mem=72")
    assert plans("mem=30", now=recorded(room=0))


def test_a_command_line_that_xen_would_cut() -> None:
    [(what, remedy)] = wrong("extra=" + "x" * 1000)
    assert "Xen hands over 1023" in what
    assert "extra=" in remedy


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = wrong("name=guest1", "type=pvh", "ip=10.84.0.1", "mem=9999", "qwe=1",
                 now=recorded(unreadable={"/img/a": "is empty"}))  # fmt: skip
    assert len(told) == 6


def test_a_dry_run_prints_the_whole_plan() -> None:
    ready = plans("name=web", "vcpus=3")
    shown = report.plans(ready, SETTINGS, recorded())
    for line in [
        "web",
        "  image         /cdrom/boot/vmlinuz-xenU",
        "  ramdisk       /cdrom/boot/initrd-xenU",
        "  memory        96 MiB",
        "  vcpus         3",
        "  type          pv (auto: `xl info` has no hap in virt_caps)",
        "  addresses     10.84.0.2",
        "  link-local    169.254.1.2, MAC 00:16:3e:fe:01:02",
        "  block device  /dev/sr0,raw,xvda,ro,script=block-disc",
        f"  command line  {ready[0].cmdline}",
        "  file          /etc/xen/guests/web.cfg:",
        *(f"    {line}" for line in ready[0].xl.splitlines()),
        "  then          xl create /etc/xen/guests/web.cfg",
        "note: 3 virtual processors share 1 processor of this machine",
        "nothing was done (-n)",
    ]:
        assert line in shown.splitlines()
    assert "  block device  none" in report.plans(plans(micro=True), SETTINGS, recorded())


def test_what_is_told_of_a_start() -> None:
    [one] = plans("name=web", "ip=auto,auto")
    assert report.started(one, "3") == "web: domain 3, 10.84.0.2, 10.84.0.3, 169.254.1.2"
    assert report.hint([one]) == (
        "to log in: xendemo console web (Ctrl-] leaves it); xendemo ssh web"
    )
    assert "ssh" not in report.hint(plans(micro=True))


def test_what_is_told_when_xl_fails() -> None:
    [one] = plans()
    what, remedy = report.not_started(one, Done(1, "", XL_TOO_SMALL))
    assert what == "guest2: 96 MiB have no room for the kernel /cdrom/boot/vmlinuz-xenU"
    assert remedy.startswith("take more: -D mem=192\nxc: error: panic")
    what, remedy = report.not_started(one, Done(1, "", "Parsing config\nlibxl: error: a\nb\nc\nd"))
    assert what == "guest2: `xl create /etc/xen/guests/guest2.cfg` failed"
    assert remedy == "libxl: error: a\nb\nc"
    assert report.running([]) == "no domain was started"
    assert report.running([str(number) for number in range(9)]).endswith("7 …")


def test_domain_0_makes_room_before_it_gives_memory() -> None:
    """Where Xen has no more free: from the second domain on, here."""
    free = memory.together(1, 96, 1, "pv")
    first, second = plans(count=2, now=machine(free=free))
    assert [step[0] for step in first.steps] == ["xl"]
    assert [step[0] for step in second.steps] == ["sysctl", "xl"]
    assert "drop_caches" in report.plans([second], SETTINGS, machine(free=free))


def test_xl_is_asked_again_only_where_it_lost_its_patience() -> None:
    assert report.is_too_slow(Done(1, "", f"Parsing config from x\n{report.NOT_YET}\n"))
    assert not report.is_too_slow(Done(1, "", XL_TOO_SMALL))
    assert not report.is_too_slow(Done(0, "", ""))
