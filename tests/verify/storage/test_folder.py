"""A folder that holds a copy: no name leads out of it."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.errors import UsageError
from verify.storage.folder import BundleObjectStore, FolderObjectStore, KeptObject, path_in
from verify.storage.gzip_content import GzipSink
from verify.storage.objects import Absent, Found, ObjectName, Unreadable

_KEYS = st.text("ab/.%:\\\x00\x1b é~", min_size=1, max_size=40)


@given(_KEYS)
def test_every_key_has_a_path_inside_the_folder(key: str) -> None:
    folder = Path("/evidence/objects/b")
    path = path_in(folder, key)

    assert Path(os.path.normpath(path)).is_relative_to(folder)
    assert ".." not in path.parts and "\0" not in str(path)


@given(st.lists(_KEYS, min_size=2, max_size=2, unique=True))
def test_two_keys_never_share_a_path(keys: list[str]) -> None:
    assert path_in(Path("/f"), keys[0]) != path_in(Path("/f"), keys[1])


def read(folder: Path, key: str) -> object:
    return FolderObjectStore(folder).read_each([ObjectName("", key)], lambda _: GzipSink(1000))[0]


def test_a_file_is_found_and_a_missing_one_is_absent(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x")

    assert isinstance(read(tmp_path, "a/b"), Found)
    assert isinstance(read(tmp_path, "a/c"), Absent)
    assert isinstance(read(tmp_path, "a/b/c"), Absent)


@pytest.mark.parametrize("target", ["/etc/passwd", "/dev/zero", "../outside"])
def test_a_link_that_leads_out_is_not_followed(target: str, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    (tmp_path / "outside").write_text("secret")
    (folder / "log").symlink_to(target)

    assert isinstance(read(folder, "log"), Unreadable)


def test_a_link_within_the_folder_is_followed_and_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "copy" / "b").mkdir(parents=True)
    (tmp_path / "copy" / "a").write_text("x")
    (tmp_path / "copy" / "link").symlink_to(tmp_path / "copy" / "a")
    (tmp_path / "other").symlink_to(tmp_path / "copy")  # the copy by another name
    files = set(os.listdir("/proc/self/fd"))  # noqa: PTH208

    assert isinstance(read(tmp_path / "other", "link"), Found)
    assert isinstance(read(tmp_path / "other", "b"), Unreadable)
    assert set(os.listdir("/proc/self/fd")) == files  # noqa: PTH208 - what was opened is closed


def test_a_folder_of_links_is_not_walked(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "file").write_text("x")

    assert [listed.name.key for listed in FolderObjectStore(tmp_path).objects("", "")] == ["file", "loop"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert isinstance(read(tmp_path, "pipe"), Unreadable)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        FolderObjectStore(tmp_path / "nothing")


@pytest.mark.slow
def test_a_bundles_file_of_more_than_four_gibibytes_is_compared_by_what_it_holds(tmp_path: Path) -> None:
    name, size = ObjectName("b", "planted"), 2**32 + 2**20
    path = path_in(tmp_path / "objects", "b/planted")
    path.parent.mkdir(parents=True)
    path.touch()
    os.truncate(path, size)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    def altered() -> set[ObjectName]:
        store = BundleObjectStore(tmp_path, {name: KeptObject(sha256, size, datetime(2026, 11, 1, tzinfo=UTC))})
        store.read_each([name], lambda _: GzipSink(1000))
        return store.altered

    assert altered() == set()
    with path.open("r+b") as changed:
        changed.seek(size - 1)
        changed.write(b"x")
    assert altered() == {name}
