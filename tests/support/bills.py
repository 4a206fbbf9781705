"""Bills of materials, judged by the tools of those who wrote the standard."""

from __future__ import annotations

from pathlib import Path

from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def faults(path: Path) -> list[str]:
    """Return what is wrong with an SPDX document; `path` ends in .spdx.json."""
    try:
        document = parse_file(str(path))
    except SPDXParsingError as error:
        return [str(message) for message in error.get_messages()]
    return [fault.validation_message for fault in validate_full_spdx_document(document)]
