"""Bills of materials, judged by the tools of those who wrote the standard, and by its schema."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path

import jsonschema
from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


@cache
def _schema() -> jsonschema.protocols.Validator:
    """Return what judges by the JSON schema of SPDX 2.3; lib4sbom has it as a file."""
    path = resources.files("lib4sbom") / "schemas/spdx/2.3-schema.json"
    schema = json.loads(path.read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def faults(path: Path) -> list[str]:
    """Return what is wrong with an SPDX document; `path` ends in .spdx.json."""
    found = [error.message for error in _schema().iter_errors(json.loads(path.read_text()))]
    try:
        document = parse_file(str(path))
    except SPDXParsingError as error:
        return [*found, *map(str, error.get_messages())]
    return [*found, *(it.validation_message for it in validate_full_spdx_document(document))]
