"""How much memory there is for new domains, and how much they take; all in MiB."""

from __future__ import annotations

from xendemo.conf import Settings
from xendemo.facts import Facts


def needed(memory: int, vcpus: int, type_: str) -> int:
    """Return what must be free for `xl create` to start a domain, by libxl's own rule.

    Its memory, 1 or 2 MiB for Xen's own notes, 1 MiB a processor and 8 KiB a MiB for page tables;
    rounded up to 2 MiB (libxl__domain_need_memory_calculate, libxl__get_required_paging_memory).
    """
    kib = memory * 1024 + 4 * (256 * vcpus + 2 * memory) + (1024 if type_ == "pv" else 2048)
    return (kib + 2047) // 2048 * 2


def taken(memory: int, vcpus: int, type_: str) -> int:
    """Return what a domain takes once it runs: a PV domain has its page tables in its own."""
    return memory + 1 if type_ == "pv" else needed(memory, vcpus, type_)


def together(count: int, memory: int, vcpus: int, type_: str) -> int:
    """Return what must be free to start some like domains, one after the other."""
    one = (memory, vcpus, type_)
    return taken(*one) * (count - 1) + needed(*one)


def own(settings: Settings, count: int) -> int:
    """Return what `xl` needs available in domain 0 itself to start so many domains.

    It unpacks a kernel on its heap, 57 MiB of it at most, and a daemon of xl stays with each domain
    (measured: 1.4 MiB). Where less is available, the kernel ends xl and whoever else is big.
    """
    return settings.dom0_spare + 2 * (count - 1)


def from_dom0(settings: Settings, facts: Facts) -> int:
    """Return what domain 0 can hand over (`autoballoon` of xl does so when it must).

    It keeps `dom0_floor` for good, and `dom0_spare` of what its programs could have now.
    """
    now = next((domain.memory for domain in facts.domains if domain.id == 0), 0)
    return max(0, min(now - settings.dom0_floor, facts.available - settings.dom0_spare))
