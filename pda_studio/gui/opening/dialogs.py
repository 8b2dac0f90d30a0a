"""Dialogs and menus that ask for files; none of them holds up the window."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QT_TRANSLATE_NOOP, QObject, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

from pda_studio.document.workspace import SUFFIX, ClassifierChoice
from pda_studio.gui.actions.action import FILE, Action, Menu, ready
from pda_studio.gui.composer.exporting import Exporting
from pda_studio.gui.opening.opening import NETWORKS, WEIGHTS, Opening
from pda_studio.gui.session.saving import Saving
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.gui.window.settings import Memory
from pda_studio.images import SUFFIXES
from pda_studio.store.map_formats import MAP_FORMATS

RECENT_IMAGES = Menu(QT_TRANSLATE_NOOP("menus", "Recent images"), FILE.at(22), data=True)
RECENT_CLASSIFIERS = Menu(QT_TRANSLATE_NOOP("menus", "Recent classifiers"), FILE.at(31), data=True)
_FIGURES = ".pdf", ".svg", ".png", ".tif"


class Dialogs(QObject):
    """Opens the dialogs in which files are chosen, to read and to write."""

    def __init__(
        self,
        window: MainWindow,
        opening: Opening,
        exporting: Exporting,
        saving: Saving,
        memory: Memory,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._opening, self._exporting = window, opening, exporting
        self._saving, self._memory = saving, memory
        window.registry.add(
            Action(
                "open-image",
                self.tr("Open image …"),
                self.choose_image,
                place=FILE.at(10),
                shortcut=QKeySequence.StandardKey.Open,
                icon="image",
                tool=10,
                label=self.tr("Open"),
            ),
            Action(
                "add-image",
                self.tr("Add image as a row …"),
                self.choose_image_to_add,
                place=FILE.at(14),
                shortcut="Ctrl+Alt+O",
                enabled=ready,
            ),
            Action(
                "open-weights",
                self.tr("Open weights …"),
                self.choose_weights,
                place=FILE.at(30),
                shortcut="Ctrl+Shift+O",
                icon="classifier",
            ),
        )
        window.registry.add_list(RECENT_IMAGES, self._recent_images)
        window.registry.add_list(RECENT_CLASSIFIERS, self._recent_classifiers)

    def choose_image(self) -> None:
        """Choose an image to open."""
        patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in SUFFIXES)
        dialog = self._dialog(self.tr("Open image"), self.tr("Images ({0})").format(patterns))
        dialog.fileSelected.connect(lambda path: self._opening.open_image(Path(path)))
        dialog.open()

    def choose_folder(self, chosen: Callable[[Path], None], title: str = "") -> None:
        """Choose a folder, of images unless the title says otherwise."""
        dialog = self._dialog(title or self.tr("Open folder"), "")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda path: chosen(Path(path)))
        dialog.open()

    def choose_screenshot_file(self, chosen: Callable[[Path], None]) -> None:
        """Choose where an image of the window goes."""
        title = self.tr("Save image of the window")
        dialog = self._dialog(title, self.tr("Image (*.png)"), "window", ".png")
        dialog.fileSelected.connect(lambda path: chosen(Path(path)))
        dialog.open()

    def choose_weights(self, name: str | bool = "") -> None:
        """Choose weights; where they fit this classifier, they are its."""
        classifier = name if isinstance(name, str) else ""
        title = self.tr("Open weights of {0}").format(classifier)
        dialog = self._weights_dialog(title if classifier else self.tr("Open weights"))

        def open_weights(path: str) -> None:
            self._opening.open_classifier(Path(path), classifier)

        dialog.fileSelected.connect(open_weights)
        dialog.rejected.connect(self._opening.loaded)
        dialog.open()

    def choose_workspace(self) -> None:
        """Choose saved work to open."""
        dialog = self._dialog(
            self.tr("Open workspace"), self.tr("Workspaces ({0})").format(f"*{SUFFIX}")
        )
        dialog.fileSelected.connect(lambda path: self._saving.open(Path(path)))
        dialog.open()

    def save_workspace(self) -> None:
        """Write the work into its file; without one, choose it."""
        if self._saving.path is None:
            self.choose_workspace_file()
        else:
            self._saving.save(self._saving.path)

    def choose_workspace_file(self) -> None:
        """Choose where the work goes."""
        kind = self.tr("Workspaces ({0})").format(f"*{SUFFIX}")
        name = self._saving.path.stem if self._saving.path else self.tr("workspace")
        dialog = self._dialog(self.tr("Save workspace"), kind, name, SUFFIX)
        dialog.fileSelected.connect(lambda path: self._saving.save(Path(path)))
        dialog.open()

    def choose_other_weights(self, use: Callable[[ClassifierChoice], None]) -> None:
        """Choose weights, to ask beside the open classifier."""
        dialog = self._weights_dialog(self.tr("Open weights"))
        dialog.fileSelected.connect(lambda path: self._opening.find_choice(Path(path), use))
        dialog.open()

    def ask_for_trust(self, path: Path, what: str, trusted: Callable[[], None]) -> None:
        """Ask whether a file may be run, which is the only way to open it."""
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle(self.tr("Run code from a file?"))
        box.setText(self.tr("<b>{0}</b> holds {1}.").format(path.name, what))
        box.setInformativeText(
            self.tr(
                "To open it is to run it, and it may do whatever you may do on this computer. Run"
                " it only if you trust where it comes from. The answer holds for this very file,"
                " until you withdraw it under “File”, “Trusted files …”."
            )
        )
        run = box.addButton(self.tr("Run it"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.buttonClicked.connect(lambda button: trusted() if button is run else None)
        box.open()

    def choose_angle(self, use: Callable[[float], None]) -> None:
        """Choose by how much the image is turned."""
        dialog = QInputDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Rotate"))
        dialog.setLabelText(self.tr("Degrees clockwise, or counter-clockwise below 0"))
        dialog.setInputMode(QInputDialog.InputMode.DoubleInput)
        dialog.setDoubleRange(-180.0, 180.0)
        dialog.setDoubleDecimals(1)
        dialog.setDoubleStep(1.0)
        dialog.setDoubleValue(15.0)
        dialog.doubleValueSelected.connect(lambda angle: use(angle) if angle else None)
        dialog.open()

    def choose_image_to_add(self) -> None:
        """Choose an image to put below the others."""
        patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in SUFFIXES)
        dialog = self._dialog(self.tr("Add image"), self.tr("Images ({0})").format(patterns))
        dialog.fileSelected.connect(lambda path: self._opening.add_image(Path(path)))
        dialog.open()

    def choose_figure_file(
        self, chosen: Callable[[Path], None], above: QWidget | None = None
    ) -> None:
        """Choose where the figure goes; the dialog stands above the window, or above another."""
        kinds = ";;".join(f"{suffix[1:].upper()} (*{suffix})" for suffix in _FIGURES)
        dialog = self._dialog(self.tr("Export figure"), kinds, "figure", ".pdf", above)
        dialog.fileSelected.connect(lambda path: chosen(Path(path)))
        dialog.open()

    def choose_file(
        self,
        title: str,
        kinds: tuple[str, ...],
        name: str,
        chosen: Callable[[Path], None],
        above: QWidget,
    ) -> None:
        """Choose where something goes; the dialog stands above a window other than the main one."""
        stem, _, suffix = name.rpartition(".")
        dialog = self._dialog(title, ";;".join(kinds), stem, f".{suffix}", above)
        dialog.fileSelected.connect(lambda path: chosen(Path(path)))
        dialog.open()

    def choose_map_file(self) -> None:
        """Choose where the map goes."""
        kinds = ";;".join(
            f"{one.name} ({' '.join(f'*{suffix}' for suffix in one.suffixes)})"
            for one in MAP_FORMATS
        )
        dialog = self._dialog(self.tr("Save map"), kinds, "map", ".npz")
        dialog.fileSelected.connect(lambda path: self._exporting.save_map(Path(path)))
        dialog.open()

    def _weights_dialog(self, title: str) -> QFileDialog:
        patterns = " ".join(f"*{suffix}" for suffix in (*WEIGHTS, *NETWORKS))
        dialog = self._dialog(title, self.tr("Weights ({0})").format(patterns))
        dialog.setDirectory(self._memory.weights_folder)
        dialog.fileSelected.disconnect(self._memory.note_folder)
        dialog.fileSelected.connect(self._memory.note_weights_folder)
        return dialog

    def _dialog(
        self,
        title: str,
        patterns: str,
        name: str = "",
        suffix: str = "",
        above: QWidget | None = None,
    ) -> QFileDialog:
        dialog = QFileDialog(above or self._window, title, self._memory.folder, patterns)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if name:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix(suffix)
            dialog.selectFile(name)
            dialog.filterSelected.connect(
                lambda kind: dialog.setDefaultSuffix(kind.partition("*.")[2].rstrip(")").split()[0])
            )
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._memory.note_folder)
        return dialog

    def about(self) -> None:
        """Tell what this program is."""
        from pda_studio import __version__

        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(self.tr("About PDA Studio"))
        box.setText(f"<b>PDA Studio</b> {__version__}")
        box.setInformativeText(
            self.tr("Which pixels speak for and against an image classifier's decision.")
        )
        box.setIconPixmap(self._window.windowIcon().pixmap(64, 64))
        box.open()

    def _recent_images(self) -> Iterator[Action]:
        """The images opened last."""
        for path in self._memory.recent:
            open_it = partial(self._opening.open_image, path)
            yield Action(str(path), path.name, open_it, help=str(path))
        if not self._memory.recent:
            yield Action("none", self.tr("None yet"))

    def _recent_classifiers(self) -> Iterator[Action]:
        """The classifiers opened last."""
        for choice in self._memory.classifiers:
            use = partial(self._opening.use_classifier, choice)
            yield Action(choice.described, choice.described, use)
        if not self._memory.classifiers:
            yield Action("none", self.tr("None yet"))
