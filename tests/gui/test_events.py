"""Events say what changed, and nobody listens any more who is gone."""

import gc
import weakref
from pathlib import Path

import numpy as np
from driver import no_thread_of, wait_for_maps
from psygnal import Signal
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pda_studio.document.operations import Rotate
from pda_studio.document.workspace import ClassifierChoice, SourceImage
from pda_studio.gui.connections import follow
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.studio import Studio


def test_an_edit_names_the_fields_that_it_changes() -> None:
    session, heard = Session(), []
    for name in session.events:
        session.events[name].connect(lambda value, name=name: heard.append((name, value)))
    session.set_target(3)
    assert heard == [("target", session.work.target)]
    heard.clear()
    session.columns.set_style(session.work.columns[0].key, "both")
    assert heard == [("columns", session.work.columns)]
    heard.clear()
    session.open_image(SourceImage.of("grey", np.full((9, 9, 3), 128, np.uint8)))
    assert [name for name, _ in heard] == ["image", "target"], "its rows and columns are the same"
    heard.clear()
    session.rows.transform(Rotate(90))
    assert heard == [("rows", session.work.rows)]
    heard.clear()
    session.edit(session.work, "restore")
    assert heard == []
    session.columns.set_classifier(
        session.work.columns[0].key, ClassifierChoice("digits", "random")
    )
    assert [name for name, _ in heard] == ["columns"]


class _Source:
    changed = Signal(int)


class _Follower(QObject):
    def __init__(self, source: _Source, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.heard: list[int] = []
        follow(self, source.changed, self.on_change)

    def on_change(self, value: int) -> None:
        self.heard.append(value)


def test_a_subscription_ends_with_its_owner(qapp: QApplication) -> None:
    source, parent = _Source(), QObject()
    follower = _Follower(source, parent)
    source.changed.emit(1)
    parent.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    source.changed.emit(2)
    assert follower.heard == [1], "Qt has deleted it, though Python still knows it"
    assert len(source.changed) == 0


def test_following_keeps_nobody_alive(qapp: QApplication) -> None:
    source = _Source()
    gone = weakref.ref(_Follower(source))
    gc.collect()
    assert gone() is None
    source.changed.emit(1)
    assert len(source.changed) == 0


def test_a_deleted_window_follows_nothing(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    studio = Studio(qapp, settings)
    studio.show()
    wait_for_maps(qtbot, studio)
    session = studio.session
    groups = [session.events, studio.display.events, studio.viewport.events]
    groups.append(studio.inspection.events)
    signals = [session.changed, session.loaded, session.panel_changed]
    signals += [session.predictions_changed, session.selection_changed]
    signals += [group.all for group in groups]
    signals += [group[name] for group in groups for name in group]
    assert sum(len(signal) for signal in signals) > 20
    studio.window.close()
    assert no_thread_of(studio)
    studio.window.deleteLater()
    studio.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = {signal.name: len(signal) for signal in signals if len(signal)}
    assert not left
