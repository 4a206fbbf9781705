"""What a person reads: plans, started domains, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from xendemo import memory
from xendemo.conf import Settings
from xendemo.facts import Facts
from xendemo.plan import Plan, notes
from xendemo.run import Done

CAUSES = 3  # lines of xl that are told
NOT_YET = "failed to free memory for the domain"  # xl_vmcontrol.c
TOO_SMALL = re.compile(r"segment \S+( \S+)? too large")  # xg_dom_core.c
LISTED = 8  # names that are told one by one


def plans(ready: Sequence[Plan], settings: Settings, facts: Facts) -> str:
    """Return what a dry run prints: each plan, the memory, and that nothing was done."""
    blocks = ["\n".join(_plan(plan)) for plan in ready]
    first = ready[0]
    need = memory.together(len(ready), first.memory, first.vcpus, first.type)
    blocks.append("\n".join([
        f"{need} MiB of memory needed; {facts.host.free} MiB are free, and domain 0 can give "
        f"{memory.from_dom0(settings, facts)} MiB",
        *(f"note: {note}" for note in notes(list(ready), facts)),
        "nothing was done (-n)",
    ]))  # fmt: skip
    return "\n\n".join(blocks)


def _plan(plan: Plan) -> Iterator[str]:
    rows = [
        ("image", plan.kernel),
        ("ramdisk", plan.ramdisk),
        ("memory", f"{plan.memory} MiB"),
        ("vcpus", str(plan.vcpus)),
        ("type", f"{plan.type} ({plan.why})"),
        ("addresses", ", ".join(str(address) for address in plan.addresses)),
        ("link-local", f"{plan.linklocal}, MAC {plan.mac}"),
        *(("block device", disk) for disk in plan.disks or ["none"]),
        ("command line", plan.cmdline),
    ]
    yield plan.name
    for label, value in rows:
        yield f"  {label:<13} {value}"
    yield f"  {'file':<13} {plan.file}:"
    for line in plan.xl.splitlines():
        yield f"    {line}"
    for step in plan.steps:
        yield f"  {'then':<13} {' '.join(step)}"


def started(plan: Plan, number: str) -> str:
    """Return the line about a domain that runs."""
    listed = ", ".join(str(address) for address in (*plan.addresses, plan.linklocal))
    return f"{plan.name}: domain {number}, {listed}"


def is_too_slow(done: Done) -> bool:
    """Tell whether xl gave up while domain 0 was still handing over memory."""
    return bool(done.status) and NOT_YET in done.err


def not_started(plan: Plan, done: Done) -> tuple[str, str]:
    """Return what to tell when xl could not start a domain.

    libxl names the cause first; what it says then is how all above that failed too.
    """
    lines = [line for line in done.err.splitlines() if not line.startswith("Parsing config")]
    told = "\n".join(lines[:CAUSES])
    if TOO_SMALL.search(done.err):
        return (
            f"{plan.name}: {plan.memory} MiB have no room for the kernel {plan.kernel}",
            f"take more: -D mem={plan.memory * 2}\n{told}",
        )
    return f"{plan.name}: `{' '.join(plan.steps[-1])}` failed", told


def hint(ready: Sequence[Plan]) -> str:
    """Return how to get into new domains."""
    name = ready[0].name
    ssh = "" if ready[0].micro else f"; xendemo ssh {name}"
    return f"to log in: xendemo console {name} (Ctrl-] leaves it){ssh}"


def running(names: Sequence[str]) -> str:
    """Return which new domains run all the same."""
    if not names:
        return "no domain was started"
    listed = ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "")
    return f"started and running: {listed}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns; the first row is their heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
             for row in rows)  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)
