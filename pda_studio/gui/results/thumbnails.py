"""Thumbnails that are read in the background, as far as they are in sight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage

from pda_studio import images
from pda_studio.errors import PdaStudioError
from pda_studio.gui.window.pixmaps import image_of

SIDE = 128  # pixels of the longer side
_KEPT = 2000  # 64 kB each
_THREADS = 2
_LARGEST = 4 << 20  # bytes of a thumbnail's file

Source = tuple[Path | None, Path | None]
"""A file that holds a thumbnail; and an image, of which one is made where there is no such file."""


class Thumbnails(QObject):
    """Keeps the thumbnails used last, and reads those that are missed.

    Attributes
    ----------
    kept : OrderedDict
        By number; an image that is null could not be read.
    """

    read = Signal(int)
    """The number of a thumbnail that is there now."""
    _made = Signal(int, int, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kept: OrderedDict[int, QImage] = OrderedDict()
        self._source: Callable[[int], Source] = lambda number: (None, None)
        self._of = 0  # which table: what is still read of an earlier one is nobody's
        self._wanted: list[int] = []
        self._taken: set[int] = set()
        self._working = 0
        self._lock = Lock()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_THREADS)
        self._made.connect(self._keep, Qt.ConnectionType.QueuedConnection)

    def begin(self, source: Callable[[int], Source]) -> None:
        """Forget all; from now on a number's files are what `source` says, on any thread."""
        with self._lock:
            self._source, self._of = source, self._of + 1
            self._wanted, self._taken = [], set()
        self.kept.clear()

    def find(self, number: int) -> QImage | None:
        """A thumbnail, if it has been read."""
        image = self.kept.get(number)
        if image is not None:
            self.kept.move_to_end(number)
        return image

    def want(self, numbers: Sequence[int]) -> None:
        """Read these next, and nothing that was wanted before."""
        with self._lock:
            missing = [one for one in numbers if one not in self.kept and one not in self._taken]
            self._wanted = missing[::-1]
            more = min(len(missing), _THREADS - self._working)
            self._working += max(more, 0)
        for _ in range(more):
            self._pool.start(_Task(self._work))

    def close(self) -> None:
        """Read nothing more, and wait for what is being read."""
        with self._lock:
            self._wanted = []
        self._pool.waitForDone()

    def _work(self) -> None:
        """On a thread of the pool: read until nothing is wanted."""
        while True:
            with self._lock:
                if not self._wanted:
                    self._working -= 1
                    return
                number, of, source = self._wanted.pop(), self._of, self._source
                self._taken.add(number)
            self._made.emit(of, number, _read(*source(number)))

    def _keep(self, of: int, number: int, image: QImage) -> None:
        with self._lock:
            if of != self._of:
                return
            self._taken.discard(number)
        self.kept[number] = image
        while len(self.kept) > _KEPT:
            self.kept.popitem(last=False)
        self.read.emit(number)


class _Task(QRunnable):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        """Do it."""
        self._work()


def _read(small: Path | None, whole: Path | None) -> QImage:
    """A thumbnail; null if neither file can be read."""
    if small is not None:
        image = _decoded(small)
        if not image.isNull():
            return image
    if whole is None:
        return QImage()
    try:
        return _shrunk(image_of(images.read_image(whole).pixels))
    except (PdaStudioError, OSError, ValueError, MemoryError):
        return QImage()


def _decoded(path: Path) -> QImage:
    try:
        if path.stat().st_size > _LARGEST:
            return QImage()
        return _shrunk(QImage.fromData(path.read_bytes()))
    except OSError:
        return QImage()


def _shrunk(image: QImage) -> QImage:
    """As large as it is shown, in the format that is drawn fastest."""
    if image.isNull():
        return image
    if max(image.width(), image.height()) > SIDE:
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode
        image = image.scaled(QSize(SIDE, SIDE), keep, smooth.SmoothTransformation)
    return image.convertToFormat(QImage.Format.Format_RGB32)
