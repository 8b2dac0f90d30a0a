"""What all tests share: no window on the screen, nothing written to the user's own folders."""

import atexit
import functools
import gc
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

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

TORCH_SEED = 67280421310721  # PyTorch's own at its start: the same whether it is loaded yet or not


def begin_anew() -> None:
    """Let random numbers be the same whatever ran before; what is not loaded stays so."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    if torch := sys.modules.get("torch"):
        torch.default_generator.manual_seed(TORCH_SEED)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup() -> None:
    begin_anew()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    begin_anew()


def one_second(work: Callable[[], object]) -> float:
    """Do the work once, and say that it took a second, however long that was."""
    work()
    return 1.0


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let no clock choose the forward and the precision of a map, where PyTorch is loaded."""
    if "torch" in sys.modules:
        from pda_studio.pda.forward import choice

        if not hasattr(choice._seconds, "__wrapped__"):
            choice._seconds = functools.wraps(choice._seconds)(one_second)


NO_DATA = "needs the folder of data (PDA_STUDIO_DATA)"


_numbers = count()


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a cache of its own, empty at first."""
    # Not pytest's folder, which is looked through for every new one: thousands of times.
    folder = Path(_private, f"cache {next(_numbers)}", "maps")
    folder.parent.mkdir()
    monkeypatch.setenv("PDA_STUDIO_CACHE", str(folder.parent))
    monkeypatch.delenv("PDA_STUDIO_CACHE_SIZE", raising=False)
    return folder


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name the group of a test in its address, where xdist looks for it.

    xdist 3.8 writes it into a field that pytest has no more since 9.2: tests of one group ran in
    several workers at once.
    """
    for item in items if getattr(config.option, "loadgroup", False) else ():
        group = item.get_closest_marker("xdist_group")
        if group is not None and "@" not in item.nodeid.rpartition("::")[2]:
            item._id = type(item.id).parse(f"{item.nodeid}@{group.args[0]}")


def pytest_collection_finish() -> None:
    """What the tests have imported stays: let no garbage collection look at it again.

    Nor need what tests leave be looked for as often as in a program that runs for days: it took a
    tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


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


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Maps of efficient PDA and of saliency that are begun in this process, by method."""
    from pda_studio.methods import METHODS, Method
    from pda_studio.methods.base import Progress
    from pda_studio.results import Subject

    calls: list[str] = []
    for name in ("efficient-pda", "saliency"):
        real = METHODS[name].steps

        def steps(self: Method, subject: Subject, real: Any = real) -> Iterator[Progress]:
            calls.append(self.name)
            yield from real(self, subject)

        monkeypatch.setattr(METHODS[name], "steps", steps)
    return calls
