"""The window: side columns, the grid between them, and a line below."""

from pathlib import Path

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QIcon,
    QMoveEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from pda_studio.gui.actions.registry import Actions
from pda_studio.gui.browser.thumbnails import ImageStrip
from pda_studio.gui.display.display import Display
from pda_studio.gui.display.display_box import DisplayBox
from pda_studio.gui.grid.grid_view import GridView
from pda_studio.gui.grid.tabbing import move_focus, tab_stops
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.images.image_box import ImageBox
from pda_studio.gui.inspector.inspection import Inspection
from pda_studio.gui.inspector.inspector import Inspector
from pda_studio.gui.jobs.jobs_list import JobsList
from pda_studio.gui.methods.method_box import MethodBox
from pda_studio.gui.opening.classifier_box import ClassifierBox
from pda_studio.gui.opening.hints import HintBar
from pda_studio.gui.opening.starting import Starting
from pda_studio.gui.opening.welcome import Welcome
from pda_studio.gui.session.session import Session
from pda_studio.gui.targets.predictions import PredictionList
from pda_studio.gui.targets.target_line import TargetLine
from pda_studio.gui.window.banner import Banner
from pda_studio.gui.window.sections import Section, rule, side_column
from pda_studio.gui.window.status_line import ProgressStrip
from pda_studio.gui.window.theme import ThemeKeeper, pixmap

_LEFT, _RIGHT = 236, 346
_SIZE = (1280, 800)
_FRAME = QSize(16, 48)  # what window managers put around a window, at most


class MainWindow(QMainWindow):
    """Lays out the widgets; what they do is wired by the studio controller."""

    dropped = Signal(object)
    """The QMimeData of files or of an image."""
    closing = Signal()
    moved = Signal()
    """Its place, its size, or whether it is maximised."""
    resized = Signal()
    activated = Signal()
    """The user has come to it."""

    def __init__(
        self,
        session: Session,
        display: Display,
        viewport: Viewport,
        theme: ThemeKeeper,
        samples: list[Path],
        inspection: Inspection,
    ) -> None:
        super().__init__()
        self.setWindowTitle("PDA Studio")
        self.setWindowIcon(QIcon(pixmap("pda-studio", self.palette().text().color(), 64, 2)))
        self.setAcceptDrops(True)
        self.setMinimumSize(880, 560)
        self.registry = Actions(self, theme)
        self.grid = GridView(session, display, viewport, theme)
        self.welcome = Welcome(theme, samples)
        self.starting = Starting()
        self.pages = QStackedWidget()
        for page in (self.starting, self.welcome, self.grid):
            self.pages.addWidget(page)
        self.banner = Banner(theme)
        self.hints = HintBar()
        self.classifier_box = ClassifierBox()
        self.predictions = PredictionList()
        self.target_line = TargetLine(theme)
        self.images = ImageStrip()
        self.image_box = ImageBox()
        self.method_box = MethodBox(session, theme)
        self.display_box = DisplayBox(display)
        self.strip = ProgressStrip(theme)
        self.inspector = Inspector(inspection, theme)
        self.splitter = self._lay_out()
        self.jobs = JobsList(theme, self, above=self.strip)
        self.resized.connect(self.jobs.place)
        self.resize(*_SIZE)

    def place(self, geometry: QRect | None) -> None:
        """Put the window where it was, if that place is still on a screen; else fit it to one."""
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        if geometry is not None and any(screen.intersects(geometry) for screen in screens):
            self.setGeometry(geometry)
            return
        screen = QGuiApplication.primaryScreen()
        if screen is not None:
            room = screen.availableGeometry().size() - _FRAME
            self.resize(QSize(*_SIZE).boundedTo(room))

    def show_sides(self, shown: bool) -> None:
        """Show or hide the columns beside the grid."""
        for side in self._sides:
            side.setVisible(shown)

    def _lay_out(self) -> QSplitter:
        said = Section(self.tr("Predictions"))
        self.predictions_heading = said.heading
        said.body.addWidget(self.predictions, 1)
        said.body.addWidget(self.target_line)
        images = Section(self.tr("Images"))
        images.body.addWidget(self.images)
        left = side_column(
            *(
                self.classifier_box,
                rule(),
                said,
                rule(),
                self.image_box,
                self.image_box.rule,
                images,
            ),
            stretch=said,
        )
        right = side_column(self.display_box, rule(), self.method_box)
        self.halves = QSplitter(Qt.Orientation.Vertical)
        self.halves.setHandleWidth(3)
        self.halves.setChildrenCollapsible(False)
        self.halves.addWidget(self.pages)
        self.halves.addWidget(self.inspector)
        self.halves.setStretchFactor(0, 1)
        self.halves.setStretchFactor(1, 0)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.hints)
        column.addWidget(self.halves, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(1)
        splitter.setChildrenCollapsible(False)
        for widget in (left, centre, right):
            splitter.addWidget(widget)
        self._sides = left, right
        left.setMinimumWidth(200)
        centre.setMinimumWidth(340)
        right.setMinimumWidth(332)  # no word in it is cut
        splitter.setSizes([_LEFT, _SIZE[0] - _LEFT - _RIGHT, _RIGHT])
        for at, stretch in enumerate((0, 1, 0)):
            splitter.setStretchFactor(at, stretch)
        whole = QWidget()
        rows = QVBoxLayout(whole)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(splitter, 1)
        rows.addWidget(rule())
        rows.addWidget(self.strip)
        self.setCentralWidget(whole)
        return splitter

    # Files and images dropped on the window

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files, and images from other programs."""
        data = event.mimeData()
        if data.hasImage() or any(url.isLocalFile() for url in data.urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.acceptProposedAction()
        self.dropped.emit(event.mimeData())

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Go on in the order in which things are seen, whenever they were made."""
        return move_focus(self.tab_stops, self.focusWidget(), forwards)

    @property
    def tab_stops(self) -> list[QWidget]:
        """What Tab leads to, in this order."""
        columns = [self.splitter.widget(at) for at in range(self.splitter.count())]
        areas = (self.registry.toolbar, *columns, self.strip)
        return tab_stops([area for area in areas if area is not None], self.grid.entry)

    def moveEvent(self, event: QMoveEvent) -> None:
        """Tell of it."""
        super().moveEvent(event)
        self.moved.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell of it."""
        super().resizeEvent(event)
        self.resized.emit()
        self.moved.emit()

    def changeEvent(self, event: QEvent) -> None:
        """Tell when it is maximised, and when the user comes to it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.moved.emit()
        elif event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.activated.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Let everything come to rest first."""
        self.hide()  # the worker may need a moment
        self.closing.emit()
        event.accept()
