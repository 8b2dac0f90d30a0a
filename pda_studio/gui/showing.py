"""The window on somebody's own network, from Python."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QEventLoop, QSettings
from torch import nn

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.entry import as_classifier, give_name
from pda_studio.gui.window.studio import Studio, application
from pda_studio.images import Image, image_of, load_image


def show(
    image: str | Path | NDArray[Any] | Image,
    classifier: Classifier | nn.Module,
    *,
    preprocessing: object = None,
    class_names: Sequence[str] | None = None,
    output: str | None = None,
    select: str | int | None = None,
) -> None:
    """Show the window with an image and a network of your own until it is closed.

    Works in a program, and in a notebook whose kernel runs on a computer with a display. The
    settings and the last workspace of the program itself stay as they are.

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
        If the network cannot be run, or the image cannot be read.
    """
    loaded = as_classifier(
        classifier,
        preprocessing=preprocessing,
        class_names=class_names,
        output=output,
        select=select,
    )
    opened = image_of(load_image(Path(image)) if isinstance(image, str | Path) else image)
    running = application()
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat)
        studio = Studio(running, settings, classifier=give_name(loaded), pixels=opened)
        until_closed = QEventLoop()
        studio.window.closing.connect(until_closed.quit)
        studio.show()
        try:
            until_closed.exec()
        finally:
            studio.close()
            studio.window.deleteLater()
            studio.deleteLater()
