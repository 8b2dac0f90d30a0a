"""The inspector: what lies behind a pixel, a region, or the strongest windows of a map."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.connections import follow
from pda_studio.gui.grid.headers import plain_button
from pda_studio.gui.inspector.deletion_page import DeletionPage
from pda_studio.gui.inspector.inspection import Inspection, Page
from pda_studio.gui.inspector.region_page import RegionPage
from pda_studio.gui.inspector.window_page import WindowPage
from pda_studio.gui.superqt_widgets import QElidingLabel
from pda_studio.gui.window.sections import rule
from pda_studio.gui.window.style_names import named
from pda_studio.gui.window.theme import ThemeKeeper

_SMALLEST = 190


class Inspector(QWidget):
    """Three pages under a line of tabs; each says what to do while it has nothing to show.

    A page is made when it is first shown: the window's start does without.
    """

    chosen = Signal(int)
    """A window in the list of those over a pixel."""
    region_changed = Signal(object)
    """A `Rectangle`: the region that is wanted."""
    stage_wanted = Signal(int)
    """How many of the strongest windows are to be gone."""

    def __init__(
        self, inspection: Inspection, theme: ThemeKeeper, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._inspection = inspection
        self.setObjectName("side")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Inspector"))
        self.setMinimumHeight(_SMALLEST)
        self._theme = theme
        self.hint = named(QLabel(), "muted")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.hint.setContentsMargins(40, 0, 40, 24)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.hint)
        self.tabs: dict[Page, QToolButton] = {}
        header = QHBoxLayout()
        header.setContentsMargins(14, 5, 8, 5)
        header.setSpacing(4)
        header.addWidget(named(QLabel(self.tr("Inspector")), "section"))
        header.addSpacing(8)
        titles: dict[Page, tuple[str, str]] = {
            "windows": (self.tr("Pixel"), self.tr("The windows over a pixel")),
            "region": (self.tr("Region"), self.tr("Scores without a region of your choice")),
            "strongest": (
                self.tr("Strongest"),
                self.tr("Deletion curve: the strongest windows are removed one after the other"),
            ),
        }
        for name, (title, help) in titles.items():
            tab = named(QToolButton(), "segment")
            tab.setText(title)
            tab.setToolTip(help)
            tab.setAccessibleName(help)
            tab.setCheckable(True)
            tab.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            tab.clicked.connect(lambda _=False, page=name: self._on_tab(page))
            header.addWidget(tab)
            self.tabs[name] = tab
        self.context = named(QElidingLabel(), "muted")
        self.context.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header.addSpacing(8)
        header.addWidget(self.context, 1)
        self.close_button = plain_button(theme, "close", self.tr("Close the inspector"))
        self.close_button.setIconSize(QSize(12, 12))
        self.close_button.clicked.connect(self._on_close)
        header.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(rule())
        layout.addLayout(header)
        layout.addWidget(self.pages, 1)
        self._useful = False
        follow(self, inspection.events, self._on_event)
        self.hide()
        self._show()

    def sizeHint(self) -> QSize:
        """As high as five classes below one another."""
        return QSize(640, 226)

    @cached_property
    def windows(self) -> WindowPage:
        """The windows over a pixel."""
        page = WindowPage()
        page.chosen.connect(self.chosen)
        self.pages.addWidget(page)
        return page

    @cached_property
    def region(self) -> RegionPage:
        """The scores without a region."""
        page = RegionPage(self._inspection)
        page.changed.connect(self.region_changed)
        self.pages.addWidget(page)
        return page

    @cached_property
    def strongest(self) -> DeletionPage:
        """The deletion curve."""
        page = DeletionPage(self._inspection, self._theme)
        page.wanted.connect(self.stage_wanted)
        self.pages.addWidget(page)
        return page

    def set_useful(self, useful: bool) -> None:
        """Hide while there is nothing on the grid to look behind."""
        self._useful = useful
        self.setVisible(useful and self._inspection.open)

    def _on_event(self, *_: Any) -> None:
        self.setVisible(self._useful and self._inspection.open)
        self._show()

    def _on_tab(self, page: Page) -> None:
        self._inspection.page = page
        self._show()  # a click on the page that is shown leaves it

    def _on_close(self) -> None:
        self._inspection.wanted = "closed"
        self._inspection.open = False

    def _show(self) -> None:
        inspection = self._inspection
        for name, tab in self.tabs.items():
            tab.setChecked(name == inspection.page)
        match inspection.page:
            case "windows":
                self._show_windows()
            case "region":
                self._show_region()
            case "strongest":
                self._show_strongest()

    def _show_windows(self) -> None:
        pixel = self._inspection.pixel
        if pixel is None:
            self._show_hint(
                self.tr(
                    "Click a pixel in a panel to see the windows that cover it, their infills, and"
                    " the scores without them."
                )
            )
        elif pixel.message:
            self._show_hint(pixel.message)
        else:
            self.windows.show_pixel(pixel)
            self._turn_to(self.windows)
        if pixel is not None:
            value = f"x {pixel.column}, y {pixel.row}"
            self.context.setText(f"{pixel.of.method.title} · {pixel.of.target_name} · {value}")

    def _show_region(self) -> None:
        region = self._inspection.region
        if region is None:
            self._show_hint(
                self.tr(
                    "Choose “Remove region” (Ctrl+Shift+K) and drag a rectangle in a panel: only"
                    " that is removed, and the scores without it are shown here."
                )
            )
            return
        self.region.show_region(region)
        self._turn_to(self.region)
        self.context.setText(region.of.target_name)

    def _show_strongest(self) -> None:
        deletion = self._inspection.deletion
        if deletion is None or deletion.message:
            self._show_hint(
                deletion.message
                if deletion
                else self.tr("Open an image: then its strongest windows can be removed here.")
            )
        else:
            self.strongest.show_deletion(deletion)
            self._turn_to(self.strongest)
        if deletion is not None:
            self.context.setText(f"{deletion.of.method.title} · {deletion.of.target_name}")

    def _show_hint(self, text: str) -> None:
        self.hint.setText(text)
        self.context.setText("")
        self._turn_to(self.hint)

    def _turn_to(self, page: QWidget) -> None:
        self.pages.setCurrentWidget(page)
