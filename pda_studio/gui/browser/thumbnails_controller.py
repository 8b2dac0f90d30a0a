"""The thumbnails: samples, images opened last, and each one that is opened."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from pda_studio.document.workspace import SourceImage
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.opening.opening import Opening, read_image
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.settings import Memory

_SIDE = 160  # pixels that a thumbnail's shorter side has at least


class ThumbnailsController(QObject):
    """Fills the strip of thumbnails in the background, and notes which images were chosen."""

    def __init__(
        self,
        window: MainWindow,
        *,
        opening: Opening,
        jobs: Jobs,
        memory: Memory,
        samples: list[Path],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._strip, self._jobs, self._memory = window.images, jobs, memory
        self._samples = samples
        window.images.chosen.connect(opening.open_image)
        opening.image_chosen.connect(self._on_image)
        opening.engine_ready.connect(self._add_samples)

    def add_recent(self) -> None:
        """Show the images opened last."""
        for path in reversed(self._memory.recent):
            self._jobs.read(
                partial(_read_small, path),
                partial(self._strip.add, path, first=True),
                lambda *_, path=path: self._memory.forget_image(path),
            )

    def _add_samples(self, _: list[str]) -> None:
        for path in self._samples:
            self._jobs.read(
                partial(_read_small, path), partial(self._strip.add, path), lambda *_: None
            )

    def _on_image(self, image: SourceImage) -> None:
        samples = {path.resolve() for path in self._samples}
        if image.path is not None and image.path.resolve() not in samples:
            self._memory.add_image(image.path)
            self._strip.add(image.path, _small(image.pixels), first=True)


def _read_small(path: Path) -> NDArray[np.uint8]:
    return _small(read_image(path).pixels)


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    step = max(min(pixels.shape[:2]) // _SIDE, 1)
    return pixels[::step, ::step]
