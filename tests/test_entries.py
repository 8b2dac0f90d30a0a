"""The folder behind the cache: bounded, shared between processes, and never in the way."""

import errno
import logging
import os
import subprocess
import sys
import time
from hashlib import sha256

import pytest

from pda_studio.store.entries import Entries


def key(name):
    return sha256(str(name).encode()).hexdigest()


def names(entries, candidates):
    return [name for name in candidates if (entries.folder / f"{key(name)}.map").exists()]


@pytest.fixture
def entries(tmp_path):
    return Entries(tmp_path / "a" / "b", limit=10_000)


def test_an_entry_comes_back_with_its_date(entries):
    before = time.time()
    assert entries.keep(key("one"), b"some\nbytes\n")
    found = entries.find(key("one"))
    assert found.data == b"some\nbytes\n"
    assert before <= found.made <= time.time()
    assert entries.find(key("two")) is None
    assert entries.usage()[0] == 1
    assert entries.folder.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_the_least_recently_used_go_first(entries):
    for name in range(5):  # as many as fit in, with what stands before the data
        assert entries.keep(key(name), bytes(1800))
    assert names(entries, range(5)) == [0, 1, 2, 3, 4]
    entries.touch(key(0))
    entries.touch(key(2))
    for name, left in ((5, [0, 2, 3, 4, 5]), (6, [0, 2, 4, 5, 6]), (7, [0, 2, 5, 6, 7])):
        assert entries.keep(key(name), bytes(1800))
        assert names(entries, range(8)) == left
    entries.touch(key(0))
    assert entries.keep(key(8), bytes(1800))
    assert names(entries, range(9)) == [0, 5, 6, 7, 8]
    assert entries.usage()[1] <= entries.limit


def test_the_bound_holds_whatever_comes(entries):
    for name in range(60):
        entries.keep(key(name), bytes(50 * (name % 40)))
        assert entries.usage()[1] <= entries.limit
    assert entries.find(key(59)) is not None


def test_what_is_too_large_is_not_kept(entries):
    assert entries.keep(key("small"), bytes(2000))
    assert not entries.keep(key("large"), bytes(2500))
    assert names(entries, ["small", "large"]) == ["small"]
    assert Entries(entries.folder, limit=4000).find(key("small")) is None, "the bound has shrunk"
    assert entries.usage() == (0, 0)


def test_other_files_are_left_alone(entries):
    entries.keep(key("one"), b"x")
    mine = entries.folder / "thesis.map"
    mine.write_bytes(bytes(50_000))
    assert entries.keep(key("two"), b"x")
    assert entries.clear()[0] == 2
    assert list(entries.folder.iterdir()) == [mine]


def test_what_was_left_half_written_is_swept_up(entries):
    entries.keep(key("one"), b"x")
    old, new = (entries.folder / f".{key(name)[:32]}.abc" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    entries.keep(key("two"), b"x")
    assert not old.exists()
    assert new.exists()


def test_nothing_is_kept_or_made_with_a_limit_of_zero(tmp_path):
    entries = Entries(tmp_path / "none", limit=0)
    assert not entries.keep(key("one"), b"")
    assert entries.find(key("one")) is None
    assert entries.usage() == entries.clear() == (0, 0)
    assert not entries.folder.exists()


@pytest.mark.parametrize("problem", ["full", "read-only", "a file"])
def test_a_disk_that_takes_nothing_is_told_once(entries, monkeypatch, caplog, problem):
    if problem == "full":
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(error))
    elif problem == "read-only":
        entries.folder.mkdir(parents=True)
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        entries.folder.parent.write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert not entries.keep(key("one"), b"x")
    assert entries.find(key("one")) is None
    assert entries.usage() == (0, 0)
    assert len(caplog.records) == 1
    assert "not kept in the cache" in caplog.text
    if problem != "a file":
        assert list(entries.folder.iterdir()) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only here")
def test_a_folder_that_is_read_only_can_still_be_read(entries):
    entries.keep(key("one"), b"x")
    entries.folder.chmod(0o500)
    try:
        assert entries.find(key("one")).data == b"x"
        entries.touch(key("one"))
        assert not entries.keep(key("two"), b"x")
    finally:
        entries.folder.chmod(0o700)


BUSY = """if True:
    import sys
    from pathlib import Path
    from hashlib import sha256
    from pda_studio.store.entries import Entries
    entries, found = Entries(Path(sys.argv[1]), limit=10_000), 0
    for turn in range(300):
        name = turn % 12
        key = sha256(str(name).encode()).hexdigest()
        entry = entries.find(key)
        if entry is None:
            entries.keep(key, bytes([name]) * 1000)
        else:
            assert entry.data == bytes([name]) * 1000
            found += 1
    print(found)
    """


def test_processes_share_a_folder(entries):
    words = [sys.executable, "-W", "error", "-c", BUSY, str(entries.folder)]
    running = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert err == "", "warnings go there"
        assert int(out) >= 0
    assert entries.usage()[1] <= entries.limit + 2 * 1500
    for name in range(12):
        found = entries.find(key(name))
        assert found is None or found.data == bytes([name]) * 1000
    unfinished = [path for path in entries.folder.iterdir() if not path.name.endswith(".map")]
    assert unfinished == []
