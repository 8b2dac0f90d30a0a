"""A levelled map goes on from an earlier one with another tolerance: no window is scored twice."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from engine.formulas import GRID, Known, Nothing, logits, rough, smooth
from pda_studio import explain
from pda_studio.classifiers import Classifier
from pda_studio.diagnostics import Approximation
from pda_studio.errors import UsageError
from pda_studio.methods import method_named, run
from pda_studio.pda import forward
from pda_studio.pda.levelled import Level, LevelledScores, refine, refinement
from pda_studio.results import EvidenceMap, Subject

Formula = Callable[[np.ndarray], np.ndarray]


def whole(at: np.ndarray) -> np.ndarray:
    return rough(at) + smooth(at)


def nearer(at: np.ndarray) -> np.ndarray:
    return rough(at) + 0.9 * smooth(at)


def state_of(**levels: Formula) -> tuple[LevelledScores, list[Known]]:
    forwards = [Known(formula) for formula in levels.values()]
    made = [Level(name, one, Nothing()) for name, one in zip(levels, forwards, strict=True)]
    return LevelledScores(GRID, made, np.array([0]), 2), forwards


def refined(state: LevelledScores, tolerance: float) -> LevelledScores:
    for _ in refine(state, 0, tolerance, logits):
        pass
    return state


@pytest.mark.parametrize("finer", [0.05, 0.01, 0.0])
def test_it_goes_on_where_the_earlier_map_stands(finer: float) -> None:
    levels = {"cheap": rough, "exact": whole}
    earlier, first = state_of(**levels)
    known = refined(earlier, 0.3).known()
    assert known is not None
    later, second = state_of(**levels)
    assert later.take(known)
    np.testing.assert_array_equal(later.scores().logit, earlier.scores().logit)
    refined(later, finer)
    for before, after in zip(first, second, strict=True):
        scored = before.scored + after.scored
        assert before.scored
        assert len(set(scored)) == len(scored)
    if finer:
        wanted = GRID.average(-whole(GRID.corners.astype(float)))
        error = logits(later.scores())[0] - wanted
        assert np.square(error).mean() < np.square(1.2 * finer * wanted).mean()
        return
    direct, _ = state_of(**levels)
    for got, wanted in zip(_arrays(later), _arrays(refined(direct, finer)), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_several_lattices_are_refined_at_once() -> None:
    """While the tolerance is far: windows that are scored together lie near one another."""
    state, _ = state_of(cheap=rough, exact=whole)
    errors = [step.error for step in refine(state, 0, 0.01, logits) if np.isfinite(step.error)]
    looked_at = list(dict.fromkeys(errors))
    assert looked_at == sorted(looked_at, reverse=True)
    assert looked_at[0] > 0.1
    assert looked_at[-1] <= 0.01
    assert len(looked_at) <= 5


def test_exact_windows_stay_where_other_levels_are_chosen() -> None:
    """The lattices are those that there would be without the earlier map, for less work."""
    earlier, (_, first) = state_of(cheap=smooth, exact=whole)
    known = refined(earlier, 0.5).known()
    assert known is not None
    later, (near, second) = state_of(near=nearer, exact=whole)
    assert not later.take(known)
    direct, (_, alone) = state_of(near=nearer, exact=whole)
    got, wanted = refined(later, 0.02), refined(direct, 0.02)
    for one, other in zip(got.computed, wanted.computed, strict=True):
        assert one.lattice == other.lattice
        np.testing.assert_array_equal(one.values[other.known], other.values[other.known])
    assert near.scored
    assert not set(first.scored) & set(second.scored)
    assert len(second.scored) < len(alone.scored)


def _arrays(state: LevelledScores) -> Iterator[np.ndarray]:
    scores = state.scores()
    yield from (scores.logit, scores.probability, scores.scored)
    if scores.coarser is not None:
        yield from (scores.coarser.logit, scores.coarser.exact)


@pytest.fixture(scope="module")
def digit() -> np.ndarray:
    picture = np.zeros((28, 28, 3), dtype=np.uint8)
    picture[4:24, 12:16] = 255
    return picture


OPTIONS = {
    "infill": "conditional-samples",
    "samples": 3,
    "window": 6,
    "stride": 2,
    "batch": 16,
}


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_the_end_is_the_exact_map(
    digits: Classifier, digit: np.ndarray, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """From samples of every window that were drawn once.

    Bit for bit, where a batch of the named size goes through the whole network; the incremental
    forward computes other windows together, and rounds their sums otherwise.
    """
    if kind == "full":
        monkeypatch.setattr(forward, "_precision", lambda *_: iter(()))
    entered: list[int] = []
    enter = refinement.enter

    def count(scores, batch, parts):
        entered.extend(batch.tolist())
        enter(scores, batch, parts)

    monkeypatch.setattr(refinement, "enter", count)
    coarse = explain(digit, digits, forward="levelled", tolerance=0.3, **OPTIONS)
    assert isinstance(coarse, EvidenceMap)
    assert coarse.levels is not None
    begun = len(entered)
    assert 0 < begun < 12 * 12
    got = explain(digit, digits, forward="levelled", tolerance=0, earlier=coarse, **OPTIONS)
    assert sorted(entered) == list(range(12 * 12))
    wanted = explain(digit, digits, **OPTIONS)
    assert isinstance(got, EvidenceMap)
    assert isinstance(wanted, EvidenceMap)
    rounding = 0.0 if kind == "full" else 1e-6
    np.testing.assert_allclose(got.evidence, wanted.evidence, rtol=rounding, atol=rounding)
    np.testing.assert_allclose(got.standard_error, wanted.standard_error, rtol=10 * rounding)
    assert wanted.forward.startswith(kind)
    assert got.approximation_error is None
    assert got.levels is None
    assert got.forward == wanted.forward
    assert got.seconds > coarse.seconds


def test_an_unfinished_map_is_gone_on_from(digits: Classifier, digit: np.ndarray) -> None:
    method = method_named("efficient-pda").create(
        digits,
        infill="conditional-mean",
        window=5,
        stride=1,
        forward="levelled",
        tolerance=0.01,
    )
    subject = Subject.of(digit, digits, batch=16)
    seen = []
    for progress in method.steps(subject):
        if not progress.stage:
            seen.append(progress.evidence())
            if seen[-1].levels is not None:
                break
    assert not seen[-1].complete
    later = method.model_copy(update={"tolerance": 0.02})
    assert later.goes_on_from(seen[-1], subject)
    got = run(later.steps(replace(subject, earlier=seen[-1])))
    np.testing.assert_array_equal(got.evidence, run(later.steps(subject)).evidence)


def test_what_is_something_else_is_refused(digits: Classifier, digit: np.ndarray) -> None:
    """Another window, image or method, and a map that was not levelled."""
    options = {"window": 8, "stride": 4, "forward": "levelled"}
    coarse = explain(digit, digits, **{**options, "tolerance": 0.5})
    plain = explain(digit, digits, window=8, stride=4)
    for image, earlier, other in (
        (digit, coarse, {"window": 9}),
        (255 - digit, coarse, {}),
        (digit, coarse, {"forward": "auto"}),
        (digit, coarse, {"method": "occlusion"}),
        (digit, plain, {}),
    ):
        with pytest.raises(UsageError, match="cannot be refined"):
            explain(image, digits, earlier=earlier, **{**options, "tolerance": 0.1, **other})


def test_what_is_offered_next_was_not_reached(digits: Classifier, digit: np.ndarray) -> None:
    """A map that is nearer than it had to be is taken on from there."""
    options = {"window": 8, "stride": 4, "forward": "levelled", "tolerance": 0.5}
    made = explain(digit, digits, **options)
    method = method_named("efficient-pda").create(digits, **options)
    for error, wanted in ((0.3, 0.05), (0.05, 0.02), (0.01, 0.0), (0.0, 0.0)):
        finer = method.finer(made.replace(diagnostics=(Approximation(error, 0.1),)))
        assert finer is not None
        assert (finer.tolerance, finer.stride) == (wanted, 4)
        assert finer.finer(made.replace(diagnostics=())) is None


def test_a_rough_map_is_there_before_the_levels_are_chosen(squeezenet: Classifier, image) -> None:
    """Of every pixel, much like the exact one, with no error that anybody knows."""
    picture = np.asarray(image("imagenet_samples/n01828970_bee_eater.JPEG"))
    options = {"window": 24, "outer": 28, "stride": 2}
    method = method_named("efficient-pda").create(squeezenet, forward="levelled", **options)
    subject = Subject.of(picture, squeezenet)
    steps = method.steps(subject)
    first = next(one for one in steps if not one.stage)
    rough = first.evidence()
    # It stays: a window that hears of some steps only is shown it all the same.
    later = next(steps)
    assert not later.stage
    assert later.evidence() is rough
    steps.close()
    assert isinstance(rough, EvidenceMap)
    assert first.done == 0
    assert not rough.complete
    assert rough.covered is not None
    assert rough.covered.all()
    assert (rough.diagnostics, rough.approximation_error, rough.levels) == ((), None, None)
    assert rough.forward.startswith("levelled, linear from features.")
    plain = explain(picture, squeezenet, window=24, outer=28, stride=12)
    assert isinstance(plain, EvidenceMap)
    assert np.corrcoef(rough.evidence.ravel(), plain.evidence.ravel())[0, 1] > 0.6
    assert first.drawn_for is not None
    with pytest.raises(KeyError):
        first.drawn_for(method, subject.about(int(subject.kept_classes[1])))
