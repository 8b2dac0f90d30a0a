"""Another class in the middle of a run: what is scored already is shown for it, and goes on."""

import numpy as np
from driver import WAIT, start_slow_map, wait_for_maps
from pytestqt.qtbot import QtBot

from pda_studio.gui.window.studio import Studio
from pda_studio.store import explain
from pda_studio.targets import ClassTarget


def test_another_class_in_mid_run_goes_on_with_the_scores_that_are_there(
    studio: Studio, qtbot: QtBot
) -> None:
    session = studio.session
    session.columns.configure(0, window=8, stride=2)  # its infills take some seconds altogether
    wait_for_maps(qtbot, studio)
    start_slow_map(qtbot, studio)
    qtbot.waitUntil(lambda: session.panel(0, 0).done >= 5, timeout=WAIT)
    run, job = studio.explainer.runner.running, studio.explainer.runner.running.job
    done = session.panel(0, 0).done
    other = next(at for at in range(10) if at != session.target.index)
    session.set_target(other)
    qtbot.waitUntil(
        lambda: (
            not session.panel(0, 0).stale
            and session.panel(0, 0).evidence.target == ClassTarget(other)
        ),
        timeout=WAIT,
    )
    panel = session.panel(0, 0)
    assert panel.state == "running"
    assert studio.explainer.runner.running is run
    assert not job.cancelled.is_set()
    assert panel.done >= done, "nothing is computed twice"
    assert not panel.evidence.complete
    # Stopped and run on, it still is the same work.
    studio.explainer.stop()
    qtbot.waitUntil(lambda: job.paused is not None, timeout=WAIT)
    session.columns.configure(0, samples=2)  # enough was seen: another map
    wait_for_maps(qtbot, studio)


def test_the_map_of_a_run_that_changed_its_class_is_that_class_s(
    studio: Studio, qtbot: QtBot
) -> None:
    session = studio.session
    first = session.target.index
    other = next(at for at in range(10) if at != first)
    session.columns.configure(0, infill="marginal-samples", samples=12, window=8, stride=2)
    qtbot.waitUntil(lambda: session.panel(0, 0).state == "running", timeout=WAIT)
    qtbot.waitUntil(lambda: session.panel(0, 0).done > 0, timeout=WAIT)
    session.set_target(other)
    wait_for_maps(qtbot, studio)
    (made,) = session.all_finished()
    assert made.target == ClassTarget(other)
    values = dict(session.work.columns[0].method)
    wanted = explain(session.work.image.pixels, session.classifier, target=other, **values).evidence
    np.testing.assert_allclose(made.evidence, wanted, atol=1e-4)
    session.set_target(first)  # its scores are there, too
    qtbot.waitUntil(lambda: bool(session.all_finished()), timeout=WAIT)
    assert session.all_finished()[0].target == ClassTarget(first)
