"""Somebody's own classifier in the window: from a file, and what must be run only after a yes."""

import re
from pathlib import Path

import numpy as np
import pytest
import torchvision
from driver import WAIT, wait_for_maps
from engine.network_files import FILES, Small, bad_files
from PIL import Image
from PySide6.QtCore import QMimeData, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFileSystemModel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from safetensors.torch import save_file

from pda_studio.classifiers import trust
from pda_studio.classifiers.answers import answers_beside, kept_answers
from pda_studio.classifiers.files import kinds
from pda_studio.classifiers.foreign import ForeignKind
from pda_studio.classifiers.spec import ClassifierSpec, read_spec, write_spec
from pda_studio.document.saved import load_state
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.opening.answers_dialog import AnswersDialog
from pda_studio.gui.opening.opening import FOREIGN, is_classifier
from pda_studio.gui.opening.trusted_dialog import TrustedDialog
from pda_studio.gui.window.studio import Studio
from pda_studio.methods import method_named

pytest.importorskip("onnx2pytorch")


def made(what: str, folder: Path, **said: object) -> Path:
    name, make, save, _ = FILES[what]
    save(make(), folder / name)
    answers = {"input_size": 32, "mean": (0.5,), "std": (0.25,), **said}
    write_spec(ClassifierSpec.of(**answers), answers_beside(folder / name))
    return folder / name


def test_files_are_named_compared_with_onnxruntime_and_saved(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    """That their maps are those of torch is seen where every kind of file is opened."""
    for what in ("ONNX of any batch", "TorchScript, traced", "Lightning"):
        look_at(what, studio, qtbot, tmp_path)


def look_at(what: str, studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    path = made(what, tmp_path)
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        studio.open_files([path])
    assert studio.session.classifier.weights == path.name
    check = studio.window.classifier_box.check
    qtbot.waitUntil(lambda: check.isVisible() == ("ONNX" in what), timeout=WAIT)
    if "ONNX" in what:
        apart = re.fullmatch(
            r"Outputs differ from onnxruntime's by (\S+) of the largest", check.text()
        )
        same = check.text() == "Outputs are exactly those of onnxruntime"
        assert same or 0 < float(apart[1]) < 1e-5
    box = studio.window.classifier_box
    assert box.names.currentText() == path.name
    work = tmp_path / f"{path.stem}.pdastudio"
    studio.saving.save(work)
    qtbot.waitUntil(work.is_file, timeout=WAIT)
    assert load_state(work).work.classifier == studio.session.work.classifier


def test_code_is_run_only_after_a_yes(
    studio: Studio, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    path = made("Python file", tmp_path)

    def asked() -> QMessageBox:
        with qtbot.waitSignal(studio.opening.trust_wanted, timeout=WAIT):
            studio.open_files([path])
        (box,) = studio.window.findChildren(QMessageBox)
        assert "ai.py" in box.text()
        assert "may do whatever you may do" in box.informativeText()
        return box

    box = asked()
    assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
    box.button(QMessageBox.StandardButton.Cancel).click()
    qtbot.waitUntil(lambda: not studio.window.findChildren(QMessageBox), timeout=WAIT)
    assert studio.session.classifier.name == "digits"
    assert not trust.trusted()
    (run,) = (button for button in asked().buttons() if button.text() == "Run it")
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        run.click()
    assert studio.session.classifier.class_names == ("a", "b", "c")
    assert len(trust.trusted()) == 1
    studio.window.registry["trusted-files"].trigger()
    (dialog,) = studio.window.findChildren(TrustedDialog)
    assert [dialog.files.item(0).text()] == [str(path)]
    dialog.withdraw.click()
    assert not trust.trusted()
    assert not dialog.files.isVisible()
    assert not dialog.about.isVisible(), "it is about files"
    assert dialog.nothing.isVisible()
    assert not dialog.withdraw.isEnabled()
    dialog.close()


def test_the_window_opens_on_a_module(qtbot: QtBot, tmp_path: Path, qapp: QApplication) -> None:
    from pda_studio import show
    from pda_studio.gui.window.main_window import MainWindow

    network = Small().train()
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    found: list[object] = []

    def look() -> None:
        windows = [one for one in qapp.topLevelWidgets() if isinstance(one, MainWindow)]
        texts = [one.classifier_box.names.currentText() for one in windows if one.isVisible()]
        facts = [one.classifier_box.facts.text() for one in windows if one.isVisible()]
        if "Small" in texts and "3 classes" in facts[0]:
            found.extend([*texts, *facts])
            timer.stop()
            windows[0].close()

    timer = QTimer(interval=30)
    timer.timeout.connect(look)
    timer.start()
    given = {"input_size": 32, "mean": (0.5,), "std": (0.25,)}
    show(image, network, preprocessing=given, class_names=["x", "y", "z"])
    assert found[0] == "Small"
    assert "32 px" in str(found[1])
    assert network.training


def test_the_form_shows_what_answers_make_of_the_image_and_keeps_them(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    path = made("ONNX, probabilities", tmp_path, output="probabilities")
    colours = np.random.default_rng(3).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(colours).save(tmp_path / "colours.png")
    studio.open_files([tmp_path / "colours.png"])
    qtbot.waitUntil(lambda: studio.session.work.image.name == "colours.png", timeout=WAIT)
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        studio.open_files([path])
    studio.window.registry["answers"].trigger()
    (form,) = studio.window.findChildren(AnswersDialog)
    assert (form.size_box.value(), form.output.currentData()) == (32, "probabilities")
    qtbot.waitUntil(lambda: "class 1: " in form.predictions.text(), timeout=WAIT)
    assert form.predictions.text().count("%") == 3

    form.output.setCurrentIndex(form.output.findData("log-probabilities"))
    form.output.activated.emit(form.output.currentIndex())
    qtbot.waitUntil(lambda: "stand for add up to" in form.problem.text(), timeout=WAIT)
    ok = form.buttons.button(form.buttons.StandardButton.Ok)
    assert not ok.isEnabled()

    form.output.setCurrentIndex(form.output.findData("probabilities"))
    form.class_names.edit.setPlainText("cat\ndog\ncow")
    qtbot.waitUntil(lambda: "dog: " in form.predictions.text(), timeout=WAIT)
    before = form.predictions.text()
    form.preset.setCurrentText("ImageNet")
    form.preset.activated.emit(form.preset.currentIndex())
    qtbot.waitUntil(lambda: form.predictions.text() not in ("", before), timeout=WAIT)
    as_rgb = form.predictions.text()
    form.mean.setFocus()
    qtbot.keyClicks(form.mean, ", 1")
    assert form.preset.currentText() == "Own values"
    for _ in ", 1":
        qtbot.keyClick(form.mean, Qt.Key.Key_Backspace)
    assert form.preset.currentText() == "ImageNet"
    form.channel_order.setFocus()
    qtbot.keyClick(form.channel_order, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: form.predictions.text() not in ("", as_rgb), timeout=WAIT)
    shown = form.predictions.text()
    form.channels.setValue(4)
    assert not form.channel_order.isEnabled()
    form.channels.setValue(3)
    qtbot.waitUntil(lambda: form.predictions.text() == shown, timeout=WAIT)
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        ok.click()
    kept = read_spec(answers_beside(path))
    assert kept.channel_order == "BGR"
    assert kept.class_names == ("cat", "dog", "cow")
    assert kept.mean == (0.485, 0.456, 0.406)
    assert studio.session.classifier.class_names == ("cat", "dog", "cow")
    said = studio.session.classifier.predict(
        studio.session.classifier.preprocessing.view(studio.session.work.image.image)
    )
    assert f"dog: {100 * said[1]:.1f} %" in shown
    wait_for_maps(qtbot, studio)


def test_names_and_shapes_choose_the_network_and_the_form_has_it_confirmed(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    name, make, save, _ = FILES["named otherwise"]
    path = tmp_path / name
    save(make(), path)
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        studio.open_files([path])
    qtbot.waitUntil(lambda: bool(studio.window.findChildren(AnswersDialog)), timeout=WAIT)
    (form,) = studio.window.findChildren(AnswersDialog)
    assert path.name == "resnet18.pth"
    assert form.architecture.currentText() == "shufflenet_v2_x0_5"
    assert form.fitting.text().startswith("All 282 tensors of it are in the file")
    assert form.size_box.value() == 224
    form.size_box.setValue(32)
    qtbot.waitUntil(lambda: "class 1: " in form.predictions.text(), timeout=WAIT)
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        form.buttons.button(form.buttons.StandardButton.Ok).click()
    assert read_spec(answers_beside(path)).architecture == "shufflenet_v2_x0_5"
    assert studio.session.classifier.fits.sure
    qtbot.waitUntil(lambda: not studio.window.findChildren(AnswersDialog), timeout=WAIT)
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        studio.open_files([path])
    assert studio.session.work.classifier.is_file
    assert not studio.window.findChildren(AnswersDialog), "it has been confirmed"

    named = tmp_path / "shufflenet_v2_x0_5-mine.pth"
    save(make(), named)
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        studio.open_files([named])
    choice = studio.session.work.classifier
    assert choice == ClassifierChoice("shufflenet_v2_x0_5", str(named))
    assert not studio.window.findChildren(AnswersDialog), "its name says the same"


def test_another_network_that_fits_is_chosen_in_the_form(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    """Weights of resnet18's fit torchvision's, and another of timm's that blurs."""
    path = tmp_path / "mine.safetensors"
    network = torchvision.models.resnet18(num_classes=2)
    state = {name: one.half() for name, one in network.state_dict().items()}
    save_file(state, path)
    with qtbot.waitSignal(studio.opening.unsure, timeout=WAIT):
        studio.open_files([path])
    (form,) = studio.window.findChildren(AnswersDialog)
    names = [form.architecture.itemText(at) for at in range(form.architecture.count())]
    assert names == ["resnet18", "timm/resnet18", "timm/resnetblur18"]
    assert "2 others" in form.fitting.text()
    qtbot.waitUntil(lambda: "class 1: " in form.predictions.text(), timeout=WAIT)
    first = form.predictions.text()
    form.architecture.setCurrentText(names[2])
    form.architecture.textActivated.emit(names[2])
    qtbot.waitUntil(lambda: form.predictions.text() not in ("", first), timeout=WAIT)
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        form.buttons.button(form.buttons.StandardButton.Ok).click()
    assert studio.session.classifier.name == "resnetblur18"
    assert read_spec(answers_beside(path)).architecture == names[2]


def test_what_a_kind_of_file_is_called_is_known_to_the_window() -> None:
    for kind in kinds():
        for suffix in kind.suffixes:
            assert is_classifier(Path(f"a{suffix}")), f"{kind.title}: {suffix}"
    assert not is_classifier(Path("a.png"))


def test_the_form_is_about_files_alone(studio: Studio) -> None:
    studio.window.registry["answers"].trigger()
    assert not studio.window.findChildren(AnswersDialog)
    assert "open a file of your own" in studio.window.banner.message.text()


def test_the_window_knows_how_networks_of_other_programs_end() -> None:
    """Without the engine, which is not there yet when the window is."""
    assert set(FOREIGN) == set(ForeignKind.suffixes)


def drop(widget: QWidget, *paths: Path) -> None:
    """Let files fall into the middle of a widget, as Qt tells it of them."""
    carried = QMimeData()
    carried.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    middle, copy = widget.rect().center(), Qt.DropAction.CopyAction
    held = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(middle, copy, carried, *held)
    QApplication.sendEvent(widget, entering)
    assert entering.isAccepted()
    QApplication.sendEvent(widget, QDragMoveEvent(middle, copy, carried, *held))
    QApplication.sendEvent(widget, QDropEvent(middle.toPointF(), copy, carried, *held))


def choose(qtbot: QtBot, button: QPushButton, folder: Path, *names: str) -> None:
    """Click a button, type names of files into the dialog that it opens, and press Enter."""
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    (dialog,) = button.window().findChildren(QFileDialog)
    assert Path(dialog.directory().path()) == folder
    model = dialog.findChild(QFileSystemModel)
    shown = model.index(str(folder))
    qtbot.waitUntil(lambda: model.rowCount(shown) > len(names), timeout=WAIT)
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    line.clear()
    qtbot.keyClicks(line, " ".join(f'"{name}"' for name in names) if names[1:] else names[0])
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not button.window().findChildren(QFileDialog), timeout=WAIT)


def test_class_names_are_loaded_and_the_same_answers_are_put_on_several_files(
    studio: Studio, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    path = made("TorchScript, traced", tmp_path)
    for name in ("one.pt", "two.pt", "three.onnx", "image.png"):
        (tmp_path / name).touch()
    answers_beside(tmp_path / "three.onnx").mkdir()  # nobody may write a file of that name
    (tmp_path / "names.txt").write_text("cat\ndog\ncow\n")
    (tmp_path / "names.csv").write_text('id;name\n1;rose\n3;"lily, white"\n2;oak\n')
    (tmp_path / "names.json").write_text('{"x": 0, "z": 2, "y": 1}')
    (tmp_path / "empty.txt").touch()
    with qtbot.waitSignal(studio.session.loaded, timeout=WAIT):
        studio.open_files([path])
    studio.window.registry["answers"].trigger()
    (form,) = studio.window.findChildren(AnswersDialog)
    qtbot.waitUntil(lambda: "class 1: " in form.predictions.text(), timeout=WAIT)
    names = form.class_names
    choose(qtbot, names.load_button, tmp_path, "names.csv")
    assert names.names() == ("rose", "oak", "lily, white")
    qtbot.waitUntil(lambda: "lily, white: " in form.predictions.text(), timeout=WAIT)
    drop(names.edit.viewport(), tmp_path / "empty.txt")
    assert "empty.txt holds no class names" in form.problem.text()
    assert names.names() == ("rose", "oak", "lily, white"), "what was there stays"
    drop(names.edit.viewport(), tmp_path / "names.json")
    assert names.names() == ("x", "y", "z")
    qtbot.waitUntil(lambda: "y: " in form.predictions.text(), timeout=WAIT)
    assert form.problem.text() == ""
    drop(names.edit.viewport(), tmp_path / "names.txt")

    choose(qtbot, form.more_files, tmp_path, "one.pt", "two.pt", "three.onnx", "image.png")
    qtbot.waitUntil(lambda: form.written.text() != "", timeout=WAIT)
    said = form.written.text()
    assert "Written beside the files: one.pt.toml, two.pt.toml." in said
    assert "Nothing can be written beside three.onnx: written into the settings." in said
    assert "image.png is no file of a classifier." in said
    for name in ("one.pt", "two.pt", "three.onnx"):
        kept = kept_answers(tmp_path / name)
        assert (kept.class_names, kept.input_size) == (("cat", "dog", "cow"), 32)
    assert not answers_beside(tmp_path / "image.png").exists()
    names.edit.setPlainText("a\nb\nc")
    assert form.written.text() == "", "these answers are others"
    form.reject()


def test_bad_files_one_after_the_other_leave_the_open_network(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    mark = tmp_path / "it ran"
    (tmp_path / "bad").mkdir()
    bad = bad_files(tmp_path / "bad", mark)
    before, banner = studio.session.classifier, studio.window.banner
    seen = 0
    for what, (path, words) in bad.items():
        if not is_classifier(path):
            continue
        banner.message.clear()
        studio.open_files([path])

        def asked() -> list[QMessageBox]:
            return studio.window.findChildren(QMessageBox)

        qtbot.waitUntil(lambda: bool(banner.message.text() or asked()), timeout=WAIT)
        for box in asked():
            assert path.name in box.text(), what
            box.button(QMessageBox.StandardButton.Cancel).click()
            qtbot.waitUntil(lambda: not asked(), timeout=WAIT)
        if banner.message.text():
            assert re.search(words, banner.message.text()), (what, banner.message.text())
            assert "\n" not in banner.message.text()
        assert studio.session.classifier is before, what
        assert not mark.exists(), f"{what} was run"
        print(what, "|", banner.message.text())
        seen += 1
    assert seen >= 20


GENERATOR = """
import torch
from torch import nn

def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 28 * 28), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))
"""


def test_a_generators_code_asks_first(
    qtbot: QtBot, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    path = tmp_path / "own.py"
    path.write_text(GENERATOR)
    key = studio.session.work.columns[0].key
    kind = method_named("activation-maximisation")
    made = kind.of_values({"through": "generator", "generator": path, "climb": 2})
    studio.session.columns.set_method(key, made)
    boxes = lambda: studio.window.findChildren(QMessageBox)  # noqa: E731
    qtbot.waitUntil(lambda: bool(boxes()), timeout=WAIT)
    (box,) = boxes()
    assert "own.py" in box.text()
    assert not trust.trusted()
    (run,) = (button for button in box.buttons() if button.text() == "Run it")
    run.click()
    wait_for_maps(qtbot, studio)
    assert len(trust.trusted()) == 1
