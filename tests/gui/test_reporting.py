"""Reports in the window: maps of the grid, and studies that were carried out."""

from pathlib import Path

import pytest
from driver import WAIT, wait_for_maps
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from pda_studio.gui.studies.report_dialog import ReportDialog
from pda_studio.gui.studies.reporting import Reporting
from pda_studio.gui.window.studio import Studio


@pytest.mark.coarse_maps
def test_what_is_there_becomes_one_file(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    wait_for_maps(qtbot, studio)
    studio.window.registry["study-bias-shares"].trigger()
    dialog = studio.studies.dialog
    dialog.run_button.click()
    qtbot.waitUntil(lambda: not studio.studies.running, timeout=2 * WAIT)
    dialog.close()
    studio.window.registry["report"].trigger()
    reporting = studio.studies.findChild(Reporting)
    report = reporting.dialog
    assert isinstance(report, ReportDialog)
    names = [report.parts.item(place).text() for place in range(report.parts.count())]
    assert names[0].startswith("Efficient PDA: ")
    assert names[-1] == "Bias shares"
    report.parts.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert report.chosen() == list(range(1, len(names)))
    report.title.setText("Seven & three")
    report.save_button.click()
    asked = report.findChild(QFileDialog)
    with qtbot.waitSignal(reporting.saved, timeout=WAIT):
        asked.fileSelected.emit(str(tmp_path / "r.html"))
    asked.close()
    text = (tmp_path / "r.html").read_text()
    assert "<h1>Seven &amp; three</h1>" in text
    assert "pda-studio study bias-shares " in text
    assert "Efficient PDA: " not in text
    assert not report.isVisible()
    with qtbot.waitSignal(reporting.saved, timeout=WAIT):
        reporting.save("Seven & three", [len(names) - 1], tmp_path / "r.pdf")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")
    for place in range(report.parts.count()):
        report.parts.item(place).setCheckState(Qt.CheckState.Unchecked)
    assert not report.save_button.isEnabled()
