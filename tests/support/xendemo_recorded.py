"""What programs of domain 0 wrote on the disc itself (Xen 4.20 in QEMU): material for facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xendemo import facts

INFO = """\
host                   : xendemo
release                : 6.12.118+deb13-amd64
machine                : x86_64
nr_cpus                : 1
max_cpu_id             : 0
cpu_mhz                : 2596.150
virt_caps              : pv hvm gnttab-v1 gnttab-v2
total_memory           : 1199
free_memory            : 414
free_cpus              : 0
xen_version            : 4.20.5-pre
xen_caps               : xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 
xen_changeset          : 
xen_commandline        : dom0_mem=max:512M com1=115200,8n1 console=com1,vga
cc_compile_date        : Tue Nov  3 20:11:50 UTC 2026
"""  # noqa: W291

LIST = """\
Name                                        ID   Mem VCPUs\tState\tTime(s)
Domain-0                                     0   512     1     r-----     289.7
guest1                                      12    96     2     ------      33.3
stock                                       13    96     1     -b----      13.7
"""

LIST_LONG = """\
[{"domid": 0, "config": {"c_info": {"type": "pv", "name": "Domain-0"}, "b_info": {}}},
 {"domid": 12, "config": {"c_info": {"type": "pv", "name": "guest1", "domid": 4294967295,
  "uuid": "d3ab815d-2979-4adf-8662-10ee1f29048a", "run_hotplug_scripts": "True"},
  "b_info": {"max_vcpus": 2, "kernel": "/cdrom/boot/vmlinuz-xenU"}}},
 {"domid": 13, "config": {"c_info": {"type": "pv", "name": "stock"}, "b_info": {}}}]
"""

VIFS = """\
/local/domain/0/backend/vif/12 = ""
/local/domain/0/backend/vif/12/0 = ""
/local/domain/0/backend/vif/12/0/frontend = "/local/domain/12/device/vif/0"
/local/domain/0/backend/vif/12/0/frontend-id = "12"
/local/domain/0/backend/vif/12/0/online = "1"
/local/domain/0/backend/vif/12/0/state = "4"
/local/domain/0/backend/vif/12/0/script = "/etc/xen/scripts/vif-xendemo"
/local/domain/0/backend/vif/12/0/mac = "00:16:3e:fe:01:01"
/local/domain/0/backend/vif/12/0/ip = "10.84.0.1 169.254.1.1"
/local/domain/0/backend/vif/12/0/bridge = "xenbr0"
/local/domain/0/backend/vif/12/0/type = "vif"
"""

ADDRESSES = """\
[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"addr_info":[
  {"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo"},
  {"family":"inet6","local":"::1","prefixlen":128,"scope":"host","noprefixroute":true}]},
 {"ifindex":2,"ifname":"xenlink","flags":["BROADCAST","NOARP","UP","LOWER_UP"],"addr_info":[
  {"family":"inet","local":"169.254.1.0","prefixlen":16,"broadcast":"169.254.255.255"}]},
 {"ifindex":3,"ifname":"eth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"addr_info":[
  {"family":"inet","local":"10.0.2.15","prefixlen":24,"metric":1024,"broadcast":"10.0.2.255"},
  {"family":"inet6","local":"fe80::5054:ff:fec0:ffee","prefixlen":64,"scope":"link"}]},
 {"ifindex":9,"ifname":"vif12.0","flags":["BROADCAST","MULTICAST","UP"]}]
"""

MEMINFO = """\
MemTotal:         405860 kB
MemFree:          223496 kB
MemAvailable:     325732 kB
Buffers:              20 kB
"""

DISC = "device=/dev/sr0 role=dom0\n"

XL_TOO_SMALL = """\
Parsing config from /etc/xen/guests/guest1.cfg
xc: error: panic: xg_dom_core.c:536: xc_dom_chk_alloc_pages: segment kernel too large \
(0x3200 > 0x2000 - 0x1000 pages): Out of memory
libxl: error: libxl_dom.c:589:libxl__build_dom: xc_dom_build_image failed: No such file or directory
libxl: error: libxl_create.c:1695:domcreate_rebuild_done: Domain 6:cannot (re-)build domain: -3
libxl: error: libxl_domain.c:354:libxl_domain_info: Domain 6:Getting domain info: No such process
libxl: error: libxl_domain.c:1179:libxl__destroy_domid: Domain 6:Non-existant domain
"""


def recorded(**changed: Any) -> facts.Facts:
    """The facts of that machine, some of them changed."""
    known = facts.Facts(
        host=facts.read_info(INFO),
        domains=facts.read_list(LIST),
        vifs=facts.read_vifs(VIFS),
        own=facts.read_addresses(ADDRESSES),
        available=facts.read_available(MEMINFO),
        room=72,
        medium=facts.Medium(facts.read_disc(DISC)),
        unreadable={},
        hosts={},
        passwords=False,
    )
    return replace(known, **changed)
