"""Undo and redo of works as values: what is one step, and that none is lost."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from pda_studio.document.history import History
from pda_studio.document.workspace import Column, Row, SourceImage, Workspace
from pda_studio.methods.prediction_difference import EfficientPDA, Occlusion
from pda_studio.targets import ClassTarget


def with_window(work: Workspace, key: int, window: int) -> Workspace:
    """The work with another window in a column."""
    columns = tuple(
        replace(one, method=one.method.model_copy(update={"window": window}))
        if one.key == key
        else one
        for one in work.columns
    )
    return replace(work, columns=columns)


def start() -> Workspace:
    plain = Workspace(columns=(Column(0, Occlusion(stride=1)), Column(1, EfficientPDA(stride=1))))
    return with_window(with_window(plain, 0, 4), 1, 4)


def noted(history: History, works: list[Workspace], times: list[float]) -> None:
    for (before, after), when in zip(pairwise(works), times, strict=True):
        history.note(before, after, when)


def test_a_slider_that_is_dragged_is_one_step() -> None:
    history = History()
    works = [with_window(start(), 0, window) for window in (4, 5, 6, 7, 8)]
    noted(history, works, [10.0, 10.2, 10.4, 11.2])
    assert history.undo(works[-1]) == works[0]
    assert not history.can_undo
    assert history.redo(works[0]) == works[-1]


def test_a_pause_another_column_or_another_edit_begins_a_step() -> None:
    for second, when in (
        (with_window(with_window(start(), 0, 5), 0, 6), 15.0),
        (with_window(with_window(start(), 0, 5), 1, 6), 10.1),
        (replace(with_window(start(), 0, 5), target=ClassTarget(3)), 10.1),
        (replace(with_window(start(), 0, 5), rows=(Row(0), Row(2))), 10.1),
    ):
        history = History()
        works = [start(), with_window(start(), 0, 5), second]
        noted(history, works, [10.0, when])
        assert history.undo(works[2]) == works[1]
        assert history.undo(works[1]) == works[0]


def test_a_slider_that_moves_on_after_undo_is_a_step_of_its_own() -> None:
    history = History()
    works = [with_window(start(), 0, window) for window in (4, 5, 6)]
    history.note(works[0], works[1], 10.0)
    assert history.undo(works[1]) == works[0]
    history.note(works[0], works[2], 10.1)
    assert not history.can_redo
    assert history.undo(works[2]) == works[0]


def test_every_step_is_taken_back_and_done_again() -> None:
    history = History()
    works = [replace(start(), target=ClassTarget(index)) for index in range(8)]
    noted(history, works, [float(at) for at in range(7)])
    now = works[-1]
    for wanted in works[-2::-1]:
        now = history.undo(now)
        assert now == wanted
    assert history.undo(now) is None
    for wanted in works[1:]:
        now = history.redo(now)
        assert now == wanted
    assert history.redo(now) is None


def test_an_edit_leaves_nothing_to_do_again() -> None:
    history = History()
    works = [replace(start(), target=ClassTarget(index)) for index in range(3)]
    noted(history, works, [0.0, 1.0])
    back = history.undo(works[2])
    history.note(back, replace(start(), target=ClassTarget(9)), 2.0)
    assert not history.can_redo
    assert history.undo(replace(start(), target=ClassTarget(9))) == works[1]


def test_the_strokes_of_a_drawing_are_one_step() -> None:
    def drawn(strokes: int) -> Workspace:
        pixels = np.zeros((28, 28, 3), np.uint8)
        pixels[:strokes] = 255
        image = SourceImage.of("drawing", pixels)
        return replace(start(), image=image)

    history = History()
    works = [drawn(strokes) for strokes in range(4)]
    noted(history, works, [5.0, 5.1, 5.2])
    assert history.undo(works[-1]) == works[0]
