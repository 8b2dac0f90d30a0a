"""Files are written whole or not at all, keep their rights and links, and leave no trace."""

import os
import signal
import subprocess
import sys
import time

import pytest

from pda_studio import files
from pda_studio.errors import PdaStudioError
from pda_studio.files import written_whole

posix = pytest.mark.skipif(os.name == "nt", reason="access rights, links and locks of POSIX")

HALF = """if True:
    import sys, time
    from pathlib import Path
    from pda_studio.files import written_whole
    with written_whole(Path(sys.argv[1])) as file:
        file.write(b"half")
        file.flush()
        print("writing", flush=True)
        time.sleep(60)
"""


def write(path, text=b"new"):
    with written_whole(path) as file:
        file.write(text)


@posix
@pytest.mark.parametrize("rights", [0o600, 0o640, 0o644])
def test_a_file_keeps_its_access_rights(tmp_path, rights):
    path = tmp_path / "map.npz"
    path.touch()
    path.chmod(rights)
    seen = []
    with written_whole(path) as file:
        file.write(b"new")
        seen += [one.stat().st_mode & 0o777 for one in tmp_path.iterdir() if one != path]
    assert seen == [0o600]
    assert path.stat().st_mode & 0o777 == rights
    assert path.read_bytes() == b"new"


@posix
def test_a_new_file_follows_the_umask_which_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("other threads make files meanwhile"))
    program = (
        "import os, sys; from pathlib import Path; from pda_studio.files import written_whole\n"
        "with written_whole(Path(sys.argv[1])) as file: pass"
    )
    path = tmp_path / "map.npz"
    subprocess.run([sys.executable, "-c", program, path], check=True, umask=0o027)
    assert path.stat().st_mode & 0o777 == 0o640
    write(path)


@posix
def test_a_link_goes_on_leading_to_its_file(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "map.npz", tmp_path / "map.npz"
    link.symlink_to(target)
    for text in (b"first", b"second"):  # at first the link leads to nothing
        write(link, text)
        assert link.is_symlink()
        assert target.read_bytes() == text
        assert not target.is_symlink()
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "far", target, link]


@posix
def test_links_in_a_circle_and_devices_are_refused(tmp_path):
    one, other, pipe = (tmp_path / name for name in ("one", "other", "pipe"))
    one.symlink_to(other)
    other.symlink_to(one)
    os.mkfifo(pipe)
    for path, reason in ((one, "leads back to itself"), (pipe, "device or a pipe")):
        with pytest.raises(PdaStudioError, match=reason):
            write(path)
    assert one.is_symlink()
    assert pipe.is_fifo()


@posix
def test_what_a_killed_process_left_is_swept_up_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_swept", {})
    writing = [
        subprocess.Popen(
            [sys.executable, "-c", HALF, tmp_path / name], stdout=subprocess.PIPE, text=True
        )
        for name in ("dead.npz", "alive.npz")
    ]
    try:
        for process in writing:
            assert process.stdout.readline() == "writing\n"
        dead, alive = writing
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        left = {path.name.split(".")[1]: path for path in tmp_path.iterdir()}
        mine = tmp_path / ".dead.npz.original"
        mine.write_bytes(b"mine")
        for path in (*left.values(), mine):
            os.utime(path, (1, 1))  # long ago
        write(tmp_path / "new.npz")
        assert not left["dead"].exists()
        assert left["alive"].exists()
        assert mine.exists()
        alive.send_signal(signal.SIGKILL)
        alive.wait()
        write(tmp_path / "newer.npz")
        assert left["alive"].exists(), "a folder is searched once a minute"
        files._swept[tmp_path] = time.time() - 61
        write(tmp_path / "newest.npz")
        assert not left["alive"].exists()
    finally:
        for process in writing:
            process.kill()
            process.wait()
            process.stdout.close()


@posix
def test_what_is_just_being_written_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_ABANDONED", -1.0)  # only the locks tell
    with written_whole(tmp_path / "slow.npz") as file:
        file.write(b"slow")
        write(tmp_path / "quick.npz")
    assert (tmp_path / "slow.npz").read_bytes() == b"slow"
    assert len(list(tmp_path.iterdir())) == 2
