"""A person's morning with the window; `test_journey.py` starts it on a real display.

The first act: a photograph, a network, the invariance study of Zhou et al. (Figs. 17 and 18), the
comparison of architectures (Zintgraf et al., Fig. 8), a figure, a saved file, everything undone
and done again. The second act, in a new process: the file is opened, edited, undone.
"""

import json
import re
import sys
from pathlib import Path
from traceback import format_exception

import numpy as np
from hands import Hands
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog

from pda_studio.document.operations import Crop, Flip, Rotate
from pda_studio.gui.grid.headers import ColumnHeader
from pda_studio.gui.grid.panel import MapPanel
from pda_studio.gui.jobs.worker import leave
from pda_studio.gui.window.studio import Studio, application

STRIDE = 8
NETWORKS = "squeezenet1_1", "squeezenet1_0", "mobilenet_v2"


class Journey:
    """What the person does; the studio is only looked at."""

    def __init__(self, studio: Studio, folder: Path, data: Path) -> None:
        self.studio, self.folder, self.data = studio, folder, data
        self.hands = Hands(folder / "images")

    # The first act

    def first_act(self) -> None:
        self.opens_a_photograph_and_a_network()
        self.sets_the_stride()
        self.turns_flips_and_crops()
        self.turns_a_map_back()
        self.compares_architectures()
        self.exports_the_figure()
        self.saves()
        self.undoes_and_does_again()
        self.hands.press("Ctrl+Q")

    def opens_a_photograph_and_a_network(self) -> None:
        hands, session = self.hands, self.studio.session
        hands.wait_for("finished example", session.all_finished)
        hands.image("first start")
        hands.click("Got it")
        hands.click("Open")
        hands.answer_dialog(self.data / "imagenet_samples" / "n01828970_bee_eater.JPEG")
        hands.wait_for("hint at the classifier", self.studio.window.banner.isVisible)
        hands.image("photograph shown to the digits")
        hands.menu("File", "Open weights …")
        hands.answer_dialog(self.weights("squeezenet1_1"))
        hands.wait_for("squeezenet", lambda: self.classifiers() == ["squeezenet1_1"])
        hands.wait_for("end of the hint", self.studio.window.banner.isHidden)

    def sets_the_stride(self) -> None:
        hands = self.hands
        rows = self.studio.window.method_box.rows
        stride = rows["stride"].spin
        hands.give_keyboard(lambda: self.left_of(stride), "stride", stride.hasFocus)
        hands.write(str(STRIDE))
        hands.press("Return")
        hands.wait_for("stride", lambda: self.column(0).method.stride == STRIDE)
        self.wait_for_maps(1)
        hands.image("bee eater")
        assert self.studio.session.all_finished()[0].target_name == "bee eater"

    def turns_flips_and_crops(self) -> None:
        hands, work = self.hands, self.studio.session
        hands.menu("Image", "Rotate by a small angle", "Rotate 15° clockwise")
        hands.menu("Image", "Rotate by a small angle", "Rotate 15° counter-clockwise")
        hands.click("Flip left–right")
        hands.click("Crop")
        view = self.studio.window.grid.inputs[0].views[0]
        side = hands.see(view.width)
        hands.image("about to crop")
        corners = QPoint(side // 8, side // 8), QPoint(side * 7 // 8, side * 7 // 8)
        hands.drag(lambda: view.viewport(), *corners)
        hands.wait_for("five rows", lambda: len(work.work.rows) == 5)
        hands.image("rows on their way")
        self.wait_for_maps(5)
        hands.image("invariance study")
        operations = [row.operations for row in work.work.rows]
        assert operations[:4] == [(), (Rotate(15),), (Rotate(-15),), (Flip("horizontal"),)]
        (crop,) = operations[4]
        assert isinstance(crop, Crop)
        height = self.image_size()[1]  # the whole image is shown, and it is a portrait
        assert abs(crop.height / height - 0.75) < 0.1, crop
        for row in work.work.rows[1:]:
            self.agreement_is_shown(row.key)

    def agreement_is_shown(self, row: int) -> None:
        """The number under a map is the correlation with the first row's, computed here."""
        session = self.studio.session
        panel: MapPanel = self.studio.window.grid.maps[row, 0]
        shown = self.hands.see(panel.caption.toolTip)
        told = re.search(r"\br (−?[\d.]+)", shown)
        assert told is not None, shown
        r = float(told[1].replace("−", "-"))
        assert -1 <= r <= 1
        if session.work.row(row).operations == (Flip("horizontal"),):
            first, other = (session.panel(key, 0).evidence.evidence for key in (0, row))
            expected = np.corrcoef(first.ravel(), other[:, ::-1].ravel())[0, 1]
            assert abs(r - expected) < 0.011, (shown, expected)

    def turns_a_map_back(self) -> None:
        hands, session = self.hands, self.studio.session
        turned = session.work.rows[4].key  # added last, and so in sight
        button = self.studio.window.grid.table.row_headers[turned].back_button
        hands.click_at(lambda: (button, button.rect().center()), "Turn back")
        hands.wait_for("map turned back", lambda: session.work.row(turned).turned_back)
        hands.image("turned back")
        hands.click("Undo")
        hands.wait_for("undone", lambda: not session.work.row(turned).turned_back)

    def compares_architectures(self) -> None:
        hands = self.hands
        hands.click("Remove all views")
        for name in NETWORKS[1:]:
            before = len(self.studio.session.work.columns)
            hands.click_at(lambda: self.menu_button(-1), "⋯")
            hands.choose("Compare with, in a new column")
            hands.image(f"menu of the column before {name}")
            hands.choose("Weights from a file …")
            hands.answer_dialog(self.weights(name))
            hands.wait_for(name, lambda n=before: len(self.classifiers()) == n + 1)
        self.wait_for_maps(3)
        hands.image("architectures")
        assert tuple(self.classifiers()) == NETWORKS
        assert tuple(header.title.text() for header in self.headers()) == NETWORKS
        maps = hands.see(self.studio.session.all_finished)
        assert sorted(one.classifier for one in maps) == sorted(NETWORKS)
        assert {one.target_name for one in maps} == {"bee eater"}
        assert all(one.complete and np.ptp(one.evidence) > 0 for one in maps)

    def exports_the_figure(self) -> None:
        hands, path = self.hands, self.folder / "figure.svg"
        hands.press("Ctrl+E")
        dialog = hands.wait_for("dialog", self.dialog)
        if not isinstance(dialog, QFileDialog):
            hands.wait_for("preview", lambda: self.can_save(dialog))
            hands.image("figure composer")
            hands.click("Save")
        hands.answer_dialog(path)
        hands.wait_for("figure", path.is_file)
        if hands.see(lambda: self.dialog() is not None):
            hands.press("Escape")
        drawn = path.read_text()
        assert all(name in drawn for name in NETWORKS), "the figure names every network"
        assert drawn.count("<image ") >= 4, "the image and three maps"

    def saves(self) -> None:
        hands, path = self.hands, self.folder / "study.pdastudio"
        hands.press("Ctrl+S")
        hands.answer_dialog(self.folder / "study")
        hands.wait_for("saved file", lambda: self.studio.saving.path == path)
        hands.image("saved")
        assert "study" in hands.see(self.studio.window.windowTitle)
        Path(self.folder, "told.json").write_text(json.dumps(hands.see(self.told)))
        maps = hands.see(self.studio.session.all_finished)
        np.savez(self.folder / "maps.npz", *[one.evidence for one in maps])

    def undoes_and_does_again(self) -> None:
        hands, end = self.hands, self.hands.see(self.told)
        undo, redo = self.studio.window.registry["undo"], self.studio.window.registry["redo"]
        steps, most = 0, 0
        while hands.see(undo.isEnabled):
            hands.press("Ctrl+Z")
            steps += 1
            most = max(most, len(self.studio.session.work.rows))
        assert most == 5, "the invariance study came by again"
        begin = hands.see(self.told)
        assert begin["image"] == "1.png"
        assert begin["classifier"] == "digits"
        assert (len(begin["rows"]), len(begin["columns"])) == (1, 1)
        hands.wait_for("digit with its classifier", self.all_loaded)
        self.wait_for_maps(1)
        hands.image("undone to the beginning")
        for _ in range(steps):
            hands.press("Ctrl+Shift+Z")
        assert not hands.see(redo.isEnabled)
        assert hands.see(self.told) == end
        hands.wait_for("networks", self.all_loaded)
        self.wait_for_maps(3)
        hands.image("done again")

    # The second act

    def second_act(self) -> None:
        hands, session = self.hands, self.studio.session
        hands.wait_for("finished example", session.all_finished)
        hands.menu("File", "Open workspace …")
        hands.answer_dialog(self.folder / "study.pdastudio")
        hands.wait_for("work", lambda: len(session.work.columns) == 3)
        hands.wait_for("networks", self.all_loaded)
        self.wait_for_maps(3)
        hands.image("reopened")
        told = json.loads(Path(self.folder, "told.json").read_text())
        assert hands.see(self.told) == told
        with np.load(self.folder / "maps.npz") as maps:
            for before, now in zip(maps.values(), session.all_finished(), strict=True):
                assert np.array_equal(before, now.evidence)
        assert not self.studio.saving.modified
        self.takes_a_column_away_and_undoes(told)
        hands.press("Ctrl+Q")

    def takes_a_column_away_and_undoes(self, told: dict) -> None:
        hands, session = self.hands, self.studio.session
        header = self.headers()[1]
        hands.click_at(lambda: (header.close_button, QPoint(9, 9)), "Remove this column")
        hands.wait_for("two columns", lambda: len(session.work.columns) == 2)
        hands.click("Flip top–bottom")
        hands.wait_for("two rows", lambda: len(session.work.rows) == 2)
        hands.image("edited")
        hands.menu("Edit", "Undo")
        hands.click("Undo")
        hands.wait_for("work as it was", lambda: self.told() == told)
        assert not self.studio.window.registry["undo"].isEnabled()
        self.wait_for_maps(3)
        hands.image("undone")

    # What is looked at

    def weights(self, name: str) -> Path:
        return self.data / "weights" / f"{name}.safetensors"

    def column(self, at: int):
        return self.studio.session.work.columns[at]

    def classifiers(self) -> list[str]:
        work = self.studio.session.work
        return [work.choice_of(column).name for column in work.columns if work.classifier]

    def image_size(self) -> tuple[int, int]:
        height, width = self.studio.session.work.image.pixels.shape[:2]
        return width, height

    def all_loaded(self) -> bool:
        session = self.studio.session
        loaded = [session.classifier_of(column) for column in session.work.columns]
        return None not in loaded and not self.studio.opening.busy

    def wait_for_maps(self, count: int) -> None:
        session = self.studio.session
        self.hands.wait_for(f"{count} maps", lambda: len(session.all_finished()) == count, 120)

    def told(self) -> dict:
        """The work in words, to be compared from one process to the next."""
        work = self.studio.session.work
        return {
            "image": work.image.name,
            "classifier": work.classifier.name,
            "rows": [[str(one) for one in row.operations] for row in work.rows],
            "columns": [
                [column.method.name, dict(column.method), column.style, work.choice_of(column).name]
                for column in work.columns
            ],
        }

    def headers(self) -> list[ColumnHeader]:
        grid = self.studio.window.grid
        return [
            grid.table.column_headers[column.key] for column in self.studio.session.work.columns
        ]

    def menu_button(self, at: int):
        button = self.headers()[at].menu_button
        return button, button.rect().center()

    def left_of(self, spin):
        return spin, QPoint(14, spin.height() // 2)

    def dialog(self) -> QDialog | None:
        dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog)]
        return next((dialog for dialog in dialogs if dialog.isVisible()), None)

    def can_save(self, dialog: QDialog) -> bool:
        from PySide6.QtWidgets import QAbstractButton

        buttons = dialog.findChildren(QAbstractButton)
        return any("Save" in one.text() and one.isEnabled() for one in buttons)


def main(act: str, folder: Path, data: Path) -> None:
    """Show the window as a user's start does, and let the person in."""
    (folder / "images").mkdir(exist_ok=True)
    running = application()
    running.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    studio = Studio(running, settings)
    journey = Journey(studio, folder, data)
    studio.show()
    errors: list[str] = []
    sys.excepthook = lambda *problem: errors.append("".join(format_exception(*problem)))
    journey.hands.start(getattr(journey, act))
    running.exec()
    studio.close()
    print(*errors, sep="\n", file=sys.stderr)
    leave(1 if errors else 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
