"""What the window tells beside the panels: its title, its page, and the pixel pointed at."""

from __future__ import annotations

from PySide6.QtCore import QObject

from pda_studio.document.workspace import SourceImage
from pda_studio.gui.connections import follow
from pda_studio.gui.grid.viewport import Viewport
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow


class Readouts(QObject):
    """Follows the session and shows what has changed."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        viewport: Viewport,
        *,
        opening: Opening,
        saving: Saving,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._session = window, session
        self._viewport, self._saving = viewport, saving
        opening.loaded.connect(self._show_page)
        saving.changed.connect(self._show_file)
        follow(self, session.events.image, self._on_image)
        follow(self, session.panel_changed, self._show_pixel)
        follow(self, viewport.events.crosshair, self._show_pixel)
        self._show_file()

    def _on_image(self, image: SourceImage | None) -> None:
        self._show_page()
        if image is None:
            self._viewport.crosshair = None
            if not self._window.banner.details.toPlainText():
                self._window.banner.hide()
        self._show_file()

    def _show_file(self) -> None:
        """Tell which file the work is in, and whether it is up to date."""
        image, saving = self._session.work.image, self._saving
        parts = [image.name] if image else []
        if saving.path is not None:
            parts.append(f"{saving.path.name}[*]")
        self._window.setWindowTitle(" – ".join([*parts, "PDA Studio"]))
        self._window.setWindowModified(saving.path is not None and saving.modified)

    def _show_page(self) -> None:
        """Show the grid, the invitation, or that the engine is starting."""
        window, work = self._window, self._session.work
        if work.image is None:
            ready = self._session.classifier is not None
            window.pages.setCurrentWidget(window.welcome if ready else window.starting)
        else:
            window.pages.setCurrentWidget(window.grid)
        window.inspector.set_useful(work.image is not None)

    def _show_pixel(self, *_: object) -> None:
        """Tell the pixel that is pointed at and the selected map's value there."""
        pixel, strip = self._viewport.crosshair, self._window.strip
        if pixel is None:
            strip.readout.setText("")
            return
        column = self._session.selected_column
        panel = column and self._window.grid.maps.get((self._session.selected_row.key, column.key))
        value = panel.bar.text if panel else ""
        at = panel.views[0].pixel if panel else None
        where = f"x {at[0]}, y {at[1]}" if at else ""
        strip.readout.setText(f"{where}:  {value}" if value else where)
