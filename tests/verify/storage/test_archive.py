"""An evidence bundle is written inside its folder, whatever the names say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from verify.storage.archive import ArchivingObjectStore, write_atomically
from verify.storage.folder import FolderObjectStore
from verify.storage.gzip_content import GzipSink
from verify.storage.objects import Found, ObjectName


@pytest.mark.parametrize("bucket", ["../../../escaped", "..", "a/../../b", "/etc"])
def test_no_bucket_name_leads_out_of_the_bundle(bucket: str, tmp_path: Path) -> None:
    source, bundle = tmp_path / "source", tmp_path / "deep" / "er" / "bundle"
    source.mkdir()
    (source / "log").write_bytes(b"anything")

    archiving = ArchivingObjectStore(FolderObjectStore(source), bundle)
    (archived,) = archiving.read_each([ObjectName(bucket, "log")], lambda _: GzipSink(1000))

    assert isinstance(archived, Found)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != source / "log"]
    assert written and all(path.is_relative_to(bundle) for path in written)


def test_two_threads_may_write_the_same_file_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: write_atomically(tmp_path / "metadata.json", "{}"), range(500)))

    assert [path.name for path in tmp_path.iterdir()] == ["metadata.json"]
