"""What the window says of problems, and of files that were written."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from pda_studio.errors import PdaStudioError
from pda_studio.gui.window.main_window import MainWindow

_log = logging.getLogger(__name__)


class Messages(QObject):
    """Shows failures in the banner and saved files in the status line."""

    def __init__(self, window: MainWindow, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window = window

    def follow(self, *sources: Any) -> None:
        """Show what these say by their signals `failed` and, where they write files, `saved`."""
        for source in sources:
            source.failed.connect(self.show_error)
            if hasattr(source, "saved"):
                source.saved.connect(self.show_saved)

    def show_error(self, error: BaseException, details: str = "") -> None:
        """Show a problem in the window."""
        if isinstance(error, PdaStudioError):
            message = str(error)
        else:
            message = self.tr("Something unexpected went wrong ({0}). The next run works.").format(
                type(error).__name__
            )
        _log.warning("%s\n%s", message, details)
        self._window.banner.show_message(message, details or repr(error))

    def show_unexpected(self, _: type, error: BaseException, trace: Any) -> None:
        """Show an error of the window itself; for `sys.excepthook`."""
        self.show_error(error, "".join(traceback.format_exception(error)))

    def show_notice(self, text: str) -> None:
        """Show a notice, unless a problem is shown: that matters more."""
        banner = self._window.banner
        if not (banner.isVisible() and banner.details.toPlainText()):
            banner.show_message(text)

    def show_saved(self, path: Path) -> None:
        """Say that a file was written."""
        self._window.strip.show_idle(self.tr("Saved {0}").format(path.name))
