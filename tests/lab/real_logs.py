"""The real CloudTrail logs to compare with; tests that need them are skipped where they are not."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

REAL_LOGS = Path(__file__).parents[2].parent / "shared" / "datasets" / "stratus-attack"


DETONATIONS = REAL_LOGS.with_name("stratus-detonations")


def detonations() -> list[dict[str, Any]]:
    """Records of single techniques, from other accounts and later; names and numbers in them were replaced."""
    if not DETONATIONS.is_dir():
        pytest.skip("the real logs are not on this machine")
    return [found for file in sorted(DETONATIONS.glob("*.json")) for found in json.loads(file.read_bytes())]


def real_records() -> list[dict[str, Any]]:
    if not REAL_LOGS.is_dir():
        pytest.skip("the real logs are not on this machine")
    files = sorted(REAL_LOGS.rglob("*.json.gz"))
    return [found for file in files for found in json.loads(gzip.decompress(file.read_bytes()))["Records"]]
