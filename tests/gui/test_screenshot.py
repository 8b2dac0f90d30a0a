"""The window's image without anybody watching."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from pda_studio.document.workspace import Column
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.gui.app import take_screenshot
from pda_studio.gui.grid.headings import summarised
from pda_studio.gui.opening.opening import sample_digits
from pda_studio.methods import METHODS, Method, Progress
from pda_studio.methods.prediction_difference import EfficientPDA
from pda_studio.parameters import parameter
from pda_studio.results import Subject


def test_shows_the_finished_window(qtbot: QtBot, tmp_path: Path) -> None:
    output = tmp_path / "window.png"
    take_screenshot(
        sample_digits()[1],
        output,
        classifier="digits",
        method="occlusion",
        parameters={"window": 6, "stride": 2},
        target="7",
        size=(1100, 700),
        theme="dark",
    )
    with Image.open(output) as image:
        assert image.size == (1100, 700)
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100
        assert sum(image.convert("RGB").getpixel((5, 690))) < 3 * 80, "dark"


def test_the_header_of_a_method_with_windows_alone() -> None:
    class Framed(Method):
        name: ClassVar[str] = "framed"
        window: int = parameter(5, "Window", "Side of a window.", symbol="k", ge=1, le=9)

        def steps(self, subject: Subject) -> Iterator[Progress]:
            yield from EfficientPDA(window=self.window).steps(subject)

    try:
        assert summarised(Column(0, Framed(), suited=True)) == "k 5"
    finally:
        del METHODS["framed"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"classifier": "no such"}, UsageError),
        ({"classifier": "digits", "target": "eleven"}, UsageError),
        ({"classifier": "digits", "method": "no-such"}, UsageError),
        ({"classifier": "digits", "parameters": {"window": 500}}, UsageError),
        ({"classifier": "digits", "weights": "/no/such.safetensors"}, PdaStudioError),
    ],
)
def test_errors_reach_the_caller(
    qtbot: QtBot, tmp_path: Path, arguments: dict, error: type[Exception]
) -> None:
    with pytest.raises(error):
        take_screenshot(sample_digits()[1], tmp_path / "window.png", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_image_that_is_missing(qtbot: QtBot, tmp_path: Path) -> None:
    with pytest.raises(PdaStudioError, match="no such file"):
        take_screenshot(tmp_path / "none.png", tmp_path / "window.png", classifier="digits")
