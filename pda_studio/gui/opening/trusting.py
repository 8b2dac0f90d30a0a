"""Files with code: the question before one is run, and the list of those that are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.errors import PdaStudioError
from pda_studio.gui.actions.action import FILE, Action
from pda_studio.gui.maps.explainer import Explainer
from pda_studio.gui.opening.dialogs import Dialogs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.opening.trusted_dialog import TrustedDialog
from pda_studio.gui.window.main_window import MainWindow


class Trusting(QObject):
    """Asks before a file is run, and withdraws trust."""

    def __init__(
        self,
        window: MainWindow,
        opening: Opening,
        dialogs: Dialogs,
        explainer: Explainer,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._opening, self._dialogs = window, opening, dialogs
        self._explainer = explainer
        opening.trust_wanted.connect(self._ask)
        explainer.failed.connect(self._on_failed)
        window.registry.add(
            Action(
                "trusted-files",
                self.tr("Trusted files …"),
                self.open,
                place=FILE.at(34),
                shortcut="Ctrl+Alt+T",
                help=self.tr("Files with code that may be run, and an end to that"),
            )
        )

    def open(self) -> None:
        """Open the list of trusted files."""
        from pda_studio.classifiers import trust

        try:
            places = list(trust.trusted().values())
        except PdaStudioError as error:  # its file is damaged
            self._window.banner.show_message(str(error))
            return
        dialog = TrustedDialog(self._window)

        def show() -> None:
            dialog.show_files(list(trust.trusted().values()))

        def withdraw(path: Path) -> None:
            trust.withdraw(path)
            show()

        def withdraw_all() -> None:
            trust.withdraw_all()
            show()

        dialog.withdrawn.connect(withdraw)
        dialog.all_withdrawn.connect(withdraw_all)
        dialog.show_files(places)
        dialog.open()

    def _ask(self, choice: ClassifierChoice, needs: Any) -> None:
        """Ask, and open the file once it is trusted."""

        def trusted() -> None:
            from pda_studio.classifiers import trust

            trust.remember(needs.path)
            self._opening.open_classifier(Path(choice.name))

        self._dialogs.ask_for_trust(needs.path, needs.what, trusted)

    def _on_failed(self, error: BaseException, _: str) -> None:
        """Ask about a file with code that a method names, and compute its map once it may run."""
        if not hasattr(error, "what"):  # a NeedsTrust, which the engine declares
            return
        needs: Any = error

        def trusted() -> None:
            from pda_studio.classifiers import trust

            trust.remember(needs.path)
            self._explainer.run()

        self._dialogs.ask_for_trust(needs.path, needs.what, trusted)
