"""The window on a network from a notebook: a real kernel, whose cells are sent to it."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from driver import WAIT
from engine.network_files import Small
from jupyter_client.manager import start_new_kernel

from pda_studio import show
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.gui import showing

PATIENCE = WAIT / 1000  # s

OWN = """
import numpy as np
import torch
import pda_studio

torch.manual_seed(2)
network = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3, 2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(2),
    torch.nn.Flatten(), torch.nn.Linear(16, 3),
)
image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
said = {"preprocessing": {"input_size": 32, "mean": (0.5,), "std": (0.25,)}, "output": "logits"}
"""

WINDOWS = """
from PySide6.QtWidgets import QApplication
from pda_studio.gui import showing
from pda_studio.gui.window.main_window import MainWindow

windows = [one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow)]
shown = [one for one in windows if one.isVisible()]
maps = [panel for one in showing._open for panel in one.studio.session.all_finished()]
names = [one.classifier_box.names.currentText() for one in shown]
print(len(windows), len(shown), len(maps), *names)
"""

Cell = Callable[[str], dict[str, Any]]


@pytest.fixture
def cell() -> Iterator[Cell]:
    """A kernel that answers cells: what one prints, its result by kinds, and its error."""
    kernel, client = start_new_kernel(startup_timeout=PATIENCE, kernel_name="python3")

    def run(code: str) -> dict[str, Any]:
        found: dict[str, Any] = {"text": ""}

        def note(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                found["text"] += content["text"]
            found["data"] = content.get("data") or found.get("data")
            if message["msg_type"] == "error":
                found["error"] = content["evalue"]

        client.execute_interactive(code, timeout=PATIENCE, output_hook=note)
        return found

    yield run
    client.stop_channels()
    kernel.shutdown_kernel()


def test_a_notebook_shows_the_window_and_goes_on(cell: Cell) -> None:
    assert "error" not in cell(OWN)
    shown = cell("pda_studio.show(image, network, **said)")
    assert "error" not in shown, "it has come back while the window is open"

    def until(wanted: str) -> None:
        end = monotonic() + PATIENCE
        while (seen := cell(WINDOWS))["text"].strip() != wanted:
            assert "error" not in seen, seen
            assert monotonic() < end, seen
            sleep(0.1)  # between cells the kernel runs the window

    until("1 1 1 Sequential")
    for _ in range(20):  # one after the other, as fast as they are answered
        cell("pass")
    drawn = cell("pda_studio.explain(image, network, window=8, stride=8, **said)")
    assert set(drawn["data"]) == {"text/plain", "image/png"}
    assert cell("6 * 7")["data"] == {"text/plain": "42"}
    cell("shown[0].close(); del shown, windows, maps, one")
    until("0 0 0")


GIVEN: Any = np.zeros((32, 32, 3), np.uint8), Small()
SAID: dict[str, Any] = {"preprocessing": {"input_size": 32}, "output": "logits"}


def test_without_a_display_show_says_so_where_qt_would_end_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(showing.QApplication, "instance", lambda: None)
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(PdaStudioError, match=r"There is no display to open a window on\. Run "):
        show(*GIVEN, **SAID)


def test_another_thread_than_the_main_one_shows_no_window() -> None:
    errors: list[Exception] = []

    def elsewhere() -> None:
        try:
            show(*GIVEN, **SAID)
        except UsageError as error:
            errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "by the main thread alone" in str(errors[0])


def test_a_kernel_that_runs_other_windows_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = SimpleNamespace(eventloop=print)
    shell = SimpleNamespace(kernel=kernel, active_eventloop="tk")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    async def cell() -> None:
        show(*GIVEN, **SAID)

    with pytest.raises(UsageError, match=r"of another toolkit \(tk\): restart the kernel"):
        asyncio.run(cell())
