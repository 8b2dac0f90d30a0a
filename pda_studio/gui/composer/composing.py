"""Composing a figure: a live preview, and files that are the same as the command line's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QByteArray, QMimeData, QObject, QSize, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QImage

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.gui.actions.action import FILE, Action, ready
from pda_studio.gui.composer.composer import Composer
from pda_studio.gui.composer.exporting import EXPORT
from pda_studio.gui.connections import follow
from pda_studio.gui.display.display import Display
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.settings import Memory

if TYPE_CHECKING:  # figures import matplotlib and the engine, which takes seconds
    from pda_studio.document.state import State
    from pda_studio.figures import Composition
    from pda_studio.figures.grid import Grid

_REST = 40  # ms without an edit, after which the preview is drawn anew


class _Drawn(NamedTuple):
    pixels: NDArray[np.uint8] | None
    message: str
    inches: tuple[float, float]
    fitted: str
    rows: list[tuple[int, str]]
    columns: list[tuple[int, str]]


class Composing(QObject):
    """Opens the composer, draws its preview in the background, saves and copies figures."""

    saved = Signal(object)
    failed = Signal(object, str)
    drawn = Signal()
    """The preview is up to date."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        display: Display,
        *,
        jobs: Jobs,
        saving: Saving,
        memory: Memory,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._display = window, session, display
        self._jobs, self._saving = jobs, saving
        self._memory, self._dialogs = memory, dialogs
        self.composer: Composer | None = None
        self._grid: tuple[State, Grid] | None = None
        self._drawing: Job | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST)
        self._rest.timeout.connect(self._draw)
        window.registry.add(
            Action(
                "export-figure",
                self.tr("Export figure …"),
                self.open,
                place=(FILE.at(50), EXPORT.at(10)),
                shortcut="Ctrl+E",
                icon="export",
                tool=70,
                label=self.tr("Export"),
                drop=EXPORT,
                help=self.tr("Export the figure; the arrow also saves and copies the map"),
                enabled=ready,
            )
        )
        follow(self, session.events, self._on_changed)
        follow(self, session.panel_changed, self._on_changed)
        follow(self, display.events.appearance, self._on_changed)
        self._saving.opened.connect(self._on_opened)

    def open(self) -> None:
        """Show the composer, once what draws figures is there."""

        def work() -> tuple[str, ...]:
            from pda_studio.document import figure  # noqa: F401  (it takes a while)
            from pda_studio.figures.composition import fonts

            return fonts()

        self._jobs.read(work, self._show, self.failed.emit)

    def stop(self) -> None:
        """Draw nothing more: the window is closing."""
        self._rest.stop()
        if self.composer is not None:
            self.composer.close()

    @property
    def composition(self) -> Composition:
        """How the figure of this work is laid out; at first, as the user's last one."""
        from pda_studio.figures import Composition

        for values in (self._saving.figure, self._memory.figure):
            try:
                if values:
                    return Composition.from_json(values)
            except UsageError:  # of a newer version, or damaged
                continue
        return Composition()

    def save(self, path: Path) -> None:
        """Write the figure as PDF, SVG, PNG or TIFF by the name's ending."""
        state, composition = self._saving.state(), self._kept()

        def work() -> Path:
            from pda_studio.figures import save_composition

            save_composition(self._grid_of(state()), composition, path)
            return path

        self._jobs.write(work, self.saved.emit, self.failed.emit)

    def copy(self) -> None:
        """Put the figure on the clipboard: as a bitmap, and as SVG for who can take it."""
        state, composition = self._saving.state(), self._kept()

        def work() -> tuple[bytes, bytes]:
            from pda_studio.figures.composed import composition_bytes

            grid = self._grid_of(state())
            png = composition_bytes(grid, composition, ".png")
            return png, composition_bytes(grid, composition, ".svg")

        self._jobs.read(work, self._on_copied, self.failed.emit)

    def _kept(self) -> Composition:
        """The composition, which from now on belongs to the work."""
        composition = self.composition
        self._keep(composition)
        return composition

    def _keep(self, composition: Composition) -> None:
        self._saving.set_figure(composition.as_json())
        self._memory.figure = composition.habits().as_json()

    def _show(self, fonts: tuple[str, ...]) -> None:
        if self.composer is None:
            self.composer = composer = Composer(fonts, self._window)
            composer.changed.connect(self._on_edited)
            composer.preview.resized.connect(self._rest.start)
            composer.copy_button.clicked.connect(self.copy)
            composer.save_button.clicked.connect(self._ask_where)
        self.composer.show_composition(self.composition)
        self.composer.show()
        self.composer.raise_()
        self.composer.activateWindow()
        self._rest.start()

    def _ask_where(self) -> None:
        self._dialogs.choose_figure_file(self.save, self.composer)

    def _on_edited(self, composition: Composition) -> None:
        self._keep(composition)
        self._rest.start()

    def _on_changed(self, *_: object) -> None:
        if self.composer is not None and self.composer.isVisible():
            self._rest.start()

    def _on_opened(self, *_: object) -> None:
        if self.composer is not None:
            self.composer.show_composition(self.composition)

    def _draw(self) -> None:
        """Draw the preview in the background; an older one that waits is forgotten."""
        if self.composer is None or not self.composer.isVisible():
            return
        if self._drawing is not None:
            self._drawing.cancel()
        state, composition = self._saving.state(), self.composition
        room = self.composer.preview.room
        self._drawing = self._jobs.read(
            lambda: self._preview(state(), composition, room), self._on_drawn, self.failed.emit
        )

    def _preview(self, state: State, composition: Composition, room: QSize) -> _Drawn:
        """On the background thread: the figure in so many pixels, or why there is none."""
        from pda_studio.figures.composed import compose
        from pda_studio.figures.saving import figure_pixels

        grid = self._grid_of(state)
        rows = [(row.key, row.label) for row in grid.rows]
        columns = [(column.key, grid.full_title(column)) for column in grid.columns]
        try:
            figure, fitted = compose(grid, composition)
            width, height = (float(inches) for inches in figure.get_size_inches())
            dpi = max(min(room.width() / width, room.height() / height), 1.0)
            pixels = figure_pixels(figure, dpi)
        except PdaStudioError as error:
            return _Drawn(None, str(error), (0, 0), "", rows, columns)
        return _Drawn(pixels, "", (width, height), fitted, rows, columns)

    def _on_drawn(self, drawn: _Drawn) -> None:
        composer = self.composer
        if composer is None:
            return
        composer.show_names(drawn.rows, drawn.columns)
        if drawn.pixels is None:
            composer.show_message(drawn.message)
        else:
            pixels = np.ascontiguousarray(drawn.pixels)
            height, width = pixels.shape[:2]
            form = QImage.Format.Format_RGBA8888
            image = QImage(pixels.data, width, height, 4 * width, form).copy()
            notes = (self._measured(drawn.inches), drawn.fitted)
            composer.show_figure(image, "\n".join(filter(None, notes)))
        self.drawn.emit()

    def _measured(self, inches: tuple[float, float]) -> str:
        width, height = inches
        dpi = self.composition.dpi
        return self.tr("{0} × {1} mm · {2} × {3} dots").format(
            f"{25.4 * width:.0f}",
            f"{25.4 * height:.0f}",
            f"{dpi * width:.0f}",
            f"{dpi * height:.0f}",
        )

    def _on_copied(self, copied: tuple[bytes, bytes]) -> None:
        png, svg = copied
        data = QMimeData()
        data.setImageData(QImage.fromData(png))
        data.setData("image/svg+xml", QByteArray(svg))
        QGuiApplication.clipboard().setMimeData(data)
        self._window.strip.note(self.tr("Copied the figure"))
        if self.composer is not None:
            self.composer.note.setText(self.tr("Copied the figure"))

    def _grid_of(self, state: State) -> Grid:
        """Rows and columns of the workspace, cached: turning maps back takes a while."""
        from pda_studio.document.figure import grid_of

        known = self._grid
        if known is None or not _same(known[0], state):
            known = self._grid = state, grid_of(state)
        return known[1]


def _same(one: State, other: State) -> bool:
    pairs = zip(one.maps, other.maps, strict=False)
    return (
        one.work is other.work
        and dict(one.display) == dict(other.display)
        and len(one.maps) == len(other.maps)
        and all(a.evidence_map is b.evidence_map for a, b in pairs)
    )
