"""A short day at the window: killed, saved and closed while maps run; files are what was seen."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "day.py"


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of other systems")
def test_every_file_is_what_was_on_the_screen() -> None:
    done = subprocess.run(
        # An edit is in the recovery file after two seconds; a slow machine may take longer.
        [sys.executable, str(SCRIPT), "--moments", "3", "--autosaved", "5"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "1 × kill, 1 × save, 1 × close" in done.stdout
