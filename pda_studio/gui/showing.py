"""The window on somebody's own network, from Python: in a program, and in a notebook."""

import asyncio
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QEventLoop, QSettings
from PySide6.QtWidgets import QApplication
from torch import nn

from pda_studio import displays
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.entry import as_classifier, give_name
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.gui.window.studio import Studio, application
from pda_studio.images import Image, image_of, load_image

_PAUSE = 0.01  # s between two turns of a notebook's window
_LONGEST_TURN = 50  # ms


def show(
    image: str | Path | NDArray[Any] | Image,
    classifier: Classifier | nn.Module,
    *,
    preprocessing: object = None,
    class_names: Sequence[str] | None = None,
    output: str | None = None,
    select: str | int | None = None,
) -> None:
    """Show the window with an image and a network of your own.

    In a program it returns when the window is closed. In a notebook, and wherever else asyncio
    runs, it returns at once: the window reacts between the cells, and waits while one is computed.
    The kernel has to run on a computer with a display. The settings and the last workspace of the
    program itself stay as they are.

    Parameters
    ----------
    image : str, Path, (H, W, 3) uint8 or Image
        A file, pixels, or what `load_image` returns.
    classifier : Classifier or torch.nn.Module
        As `explain` takes it.
    preprocessing, class_names, output, select
        What a network does not say of itself, as `load_classifier` takes it.

    Raises
    ------
    UsageError, PdaStudioError
        If the network cannot be run, the image cannot be read, or no window can be shown here.
    """
    loaded = as_classifier(
        classifier,
        preprocessing=preprocessing,
        class_names=class_names,
        output=output,
        select=select,
    )
    opened = image_of(load_image(Path(image)) if isinstance(image, str | Path) else image)
    _check_place()
    loop = _loop_of_notebook()
    shown = _Shown(application(), give_name(loaded), opened)
    if loop is not None:
        if len(_open) == 1:
            loop.call_soon(_run_between_cells, loop)
        return
    until_closed = QEventLoop()
    shown.studio.window.closing.connect(until_closed.quit)
    try:
        until_closed.exec()
    finally:
        shown.end()


class _Shown:
    """A window with settings of its own, which lives until it is closed."""

    def __init__(self, running: QApplication, classifier: str, opened: Image) -> None:
        self._folder = tempfile.TemporaryDirectory()
        name = str(Path(self._folder.name, "settings.ini"))
        settings = QSettings(name, QSettings.Format.IniFormat)
        self.studio = Studio(running, settings, classifier=classifier, pixels=opened)
        self.studio.window.closing.connect(self.end)
        _open.add(self)
        self.studio.show()

    def end(self) -> None:
        """Let go of the window, and of what it wrote."""
        if self not in _open:
            return
        _open.remove(self)
        self.studio.close()
        self.studio.window.deleteLater()
        self.studio.deleteLater()
        self._folder.cleanup()


_open: set[_Shown] = set()
"""Windows that nobody else holds: a notebook goes on without them."""


def _check_place() -> None:
    """Refuse where Qt would end the whole process.

    Raises
    ------
    PdaStudioError
        If there is no display.
    UsageError
        If this is not the main thread, which alone may have windows.
    """
    if threading.current_thread() is not threading.main_thread():
        raise UsageError("A window can be shown by the main thread alone: call show there.")
    if QApplication.instance() is None and (problem := displays.problem()):
        raise PdaStudioError(
            f"{problem} Run Python, or the notebook's kernel, on a computer with a display, or call"
            " explain: its maps are drawn in the notebook."
        )


def _loop_of_notebook() -> asyncio.AbstractEventLoop | None:
    """The loop that runs the cells of a notebook, and the window between them; None in a program.

    Raises
    ------
    UsageError
        If the kernel runs the windows of another toolkit between its cells.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    interactive = sys.modules.get("IPython")
    shell: Any = None if interactive is None else interactive.get_ipython()
    other = getattr(getattr(shell, "kernel", None), "eventloop", None)
    if other is not None and not str(shell.active_eventloop).startswith("qt"):
        raise UsageError(
            "The notebook's kernel already runs the windows of another toolkit"
            f" ({shell.active_eventloop}): restart the kernel, and leave %gui and %matplotlib"
            f" {shell.active_eventloop} out."
        )
    return loop


def _run_between_cells(loop: asyncio.AbstractEventLoop) -> None:
    """Let windows react, now and again, until all are closed.

    What IPython offers for this (`%gui qt`) waits in Qt's own loop for the next cell, and misses
    some: the notebook then stands still.
    """
    QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, _LONGEST_TURN)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    if _open:
        loop.call_later(_PAUSE, _run_between_cells, loop)
