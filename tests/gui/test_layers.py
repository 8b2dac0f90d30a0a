"""Choosing the layer from which on a network is linearised."""

import pytest
from driver import WAIT, wait_for_maps
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from pda_studio.classifiers import graph, load_classifier
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.gui.targets.layers import Layers, layers_of, nearest
from pda_studio.gui.window.studio import Studio


def at(studio: Studio) -> str:
    return studio.session.work.columns[0].method.at


@pytest.fixture
def linearised(studio: Studio, qtbot: QtBot) -> Studio:
    """A window in which layers can be chosen."""
    row = studio.window.method_box.rows["at"]
    assert row.isHidden()
    studio.session.columns.configure(0, forward="linearised")
    assert row.isVisible()
    qtbot.waitUntil(lambda: row.layer.names.count() > 3, timeout=WAIT)
    wait_for_maps(qtbot, studio)
    return studio


def test_offers_the_layers_of_the_network(linearised: Studio, qtbot: QtBot) -> None:
    names = linearised.window.method_box.rows["at"].layer.names
    offered = [names.itemText(i) for i in range(names.count())]
    assert offered[:2] == ["auto", "input"]
    network = linearised.session.classifier.network
    assert [name for name in offered[2:] if name] == [name for name, _ in network.named_children()]
    assert names.currentText() == "auto"
    names.setCurrentIndex(names.findText("conv2"))
    names.activated.emit(names.currentIndex())
    assert at(linearised) == "conv2"
    wait_for_maps(qtbot, linearised)
    assert linearised.session.all_finished()[0].forward.startswith("linearised at conv2")


def test_a_whole_name_can_be_typed(linearised: Studio, qtbot: QtBot) -> None:
    names = linearised.window.method_box.rows["at"].layer.names
    names.lineEdit().setText("fc1")
    qtbot.keyClick(names.lineEdit(), Qt.Key.Key_Return)
    assert at(linearised) == "fc1"


def test_unknown_names_are_refused_with_a_sentence(linearised: Studio, qtbot: QtBot) -> None:
    box = linearised.window.method_box.rows["at"].layer
    box.names.lineEdit().setText("conv")
    qtbot.keyClick(box.names.lineEdit(), Qt.Key.Key_Return)
    assert at(linearised) == "auto"
    assert box.refusal.isVisible()
    assert box.refusal.text() == "digits has no layer “conv”: did you mean conv1, conv2?"
    box.names.activated.emit(box.names.findText("input"))
    assert at(linearised) == "input"
    assert box.refusal.isHidden()


def test_another_classifier_has_other_layers(linearised: Studio, qtbot: QtBot) -> None:
    linearised.session.columns.configure(0, at="conv2")
    linearised.opening.use_classifier(ClassifierChoice("squeezenet1_1", "random"))
    qtbot.waitUntil(lambda: linearised.session.classifier.name == "squeezenet1_1", timeout=WAIT)
    assert at(linearised) == "auto"
    linearised.stop()
    names = linearised.window.method_box.rows["at"].layer.names
    qtbot.waitUntil(lambda: names.findText("features.3.squeeze") > 0, timeout=WAIT)
    assert names.findText("conv2") < 0
    assert names.currentText() == "auto"


def test_a_network_that_cannot_be_followed_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digits = load_classifier("digits", device="cpu")

    def untraceable(*_):
        raise graph.NotTraceable("its way depends on the image")

    assert [layer.kind for layer in layers_of(digits).layers][:2] == ["Conv2d", "ReLU"]
    monkeypatch.setattr(graph, "_traced", untraceable)
    assert layers_of(digits) == Layers("digits")
    assert layers_of(digits).refusal("x") == "digits has no layer “x”."


def test_nearest_names() -> None:
    names = ["features", "features.1", "features.12", "features.12.squeeze", "classifier"]
    assert nearest("12", names) == ["features.12", "features.12.squeeze"]
    assert nearest("FEATURES.1", names) == names[1:4]
    assert nearest("clasifier", names) == ["classifier"]
    assert nearest("", names) == []
