"""JUnit XML, as CI systems read it: one suite a machine, one testcase a case."""

from __future__ import annotations

import re
import xml.etree.ElementTree as Xml
from collections.abc import Sequence
from pathlib import Path

from democd.host.whole import write_whole
from democd.smoke.verdict import Verdict

_TAGS = {
    "failed": "failure",
    "error": "error",
    "interrupted": "error",
    "not possible": "skipped",
}
# What XML 1.0 cannot hold, escaped or not (section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(verdicts: Sequence[Verdict]) -> str:
    """Return verdicts as a JUnit XML document."""
    top = Xml.Element("testsuites", {"name": "smoke", **_counts(verdicts)})
    for machine in dict.fromkeys(verdict.machine for verdict in verdicts):
        own = [verdict for verdict in verdicts if verdict.machine == machine]
        suite = Xml.SubElement(top, "testsuite", {"name": machine, **_counts(own)})
        for verdict in own:
            _add(suite, verdict)
    Xml.indent(top)
    data: bytes = Xml.tostring(top, encoding="utf-8", xml_declaration=True)
    return data.decode() + "\n"


def _counts(verdicts: Sequence[Verdict]) -> dict[str, str]:
    tags = [_TAGS.get(verdict.status, "") for verdict in verdicts]
    return {
        "tests": str(len(tags)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": f"{sum(verdict.seconds for verdict in verdicts):.3f}",
    }


def _add(suite: Xml.Element, verdict: Verdict) -> None:
    case = Xml.SubElement(
        suite, "testcase", name=verdict.case, classname=f"smoke.{verdict.machine}",
        time=f"{verdict.seconds:.3f}",
    )  # fmt: skip
    if tag := _TAGS.get(verdict.status):
        why = verdict.why or verdict.status
        child = Xml.SubElement(case, tag, message=_clean(why))
        if tag != "skipped":
            child.set("type", verdict.status)
        where = [f"where: {verdict.where}"] if verdict.where else []
        child.text = _clean("\n".join([*where, *verdict.lines]))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)


def write(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write the document; it appears whole, in place of an older one.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(path, document(verdicts))
