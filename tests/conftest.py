"""What all tests share: no window on the screen, nothing written to the user's own folders."""

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

# Before Qt, torch or platformdirs are imported: they read these once.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if "PYTEST_XDIST_WORKER" in os.environ:  # the other workers have the other processors
    os.environ.setdefault("OMP_NUM_THREADS", "1")
_private = tempfile.mkdtemp(prefix="pda-studio-tests-")
atexit.register(shutil.rmtree, _private, ignore_errors=True)
for _name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "TORCH_HOME"):
    os.environ[_name] = str(Path(_private, _name.lower()))


# The same examples each time, and none fails on a clock.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")

NO_DATA = "needs the folder of data (PDA_STUDIO_DATA)"


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a cache of its own, empty at first."""
    folder = tmp_path_factory.mktemp("cache") / "maps"
    monkeypatch.setenv("PDA_STUDIO_CACHE", str(folder.parent))
    monkeypatch.delenv("PDA_STUDIO_CACHE_SIZE", raising=False)
    return folder


def pytest_collection_finish() -> None:
    """What the tests have imported stays: let no garbage collection look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Images and reference results that do not come with the program; without them, skip."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("PDA_STUDIO_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(NO_DATA)
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line how many tests had no data, instead of one for each."""
    skipped = terminalreporter.stats.get("skipped", [])
    without = [report for report in skipped if NO_DATA in str(report.longrepr)]
    for report in skipped:
        if report in without:
            continue
        reason = report.longrepr[2]
        terminalreporter.write_line(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}")
    if without:
        terminalreporter.write_line(
            f"{len(without)} tests with real networks and photographs were skipped:"
            " PDA_STUDIO_DATA names no folder of data."
        )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file with a drawn 1, as `digits` sees it."""
    path = tmp_path / "digit.png"
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 12:16] = 255
    Image.fromarray(pixels).save(path)
    return path
