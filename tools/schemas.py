"""Writes the JSON Schemas of the verifier's documents to docs/, from the types of which the documents are.

``python -m tools.schemas`` says whether they are up to date, and ``--write`` brings them up to date.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from verify.report.integrity.as_json import IntegrityJson

DOCS = Path(__file__).parents[1] / "docs"
SCHEMAS: dict[str, type] = {"integrity.schema.json": IntegrityJson}


def text_of(document: type) -> str:
    """The JSON Schema of a type, as the text of its file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(document)}
    return json.dumps(schema, indent=2) + "\n"


def main() -> int:
    """Compare the files with the types, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="bring the files up to date.")
    is_to_write = parser.parse_args().write
    old = [name for name, document in SCHEMAS.items() if not _is_current(name, document)]
    for name in old if is_to_write else ():
        (DOCS / name).write_text(text_of(SCHEMAS[name]), encoding="utf-8")
    if old and not is_to_write:
        print(f"Out of date: {', '.join(old)}. Run: python -m tools.schemas --write", file=sys.stderr)
        return 1
    return 0


def _is_current(name: str, document: type) -> bool:
    path = DOCS / name
    return path.is_file() and path.read_text(encoding="utf-8") == text_of(document)


if __name__ == "__main__":
    sys.exit(main())
