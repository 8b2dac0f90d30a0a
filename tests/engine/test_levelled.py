"""Levelled maps: their estimates, their claimed errors, and their end in the exact map."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.formulas import GRID, Known, Nothing, logits, rough, smooth
from engine.toys import classifier_of, small_transformer
from pda_studio import explain
from pda_studio.attribution.prediction_difference import redraw
from pda_studio.classifiers import Classifier
from pda_studio.diagnostics import approximation
from pda_studio.pda.forward.linearised import LinearisedInput, LinearisedTail
from pda_studio.pda.forward.lower_blocks import LowerBlocks
from pda_studio.pda.levelled import Level, LevelledScores, approximation_error, refine
from pda_studio.pda.levelled.lattice import Lattice
from pda_studio.pda.levelled.pilot import Pilot, cheapest
from pda_studio.results import EvidenceMap, Subject
from pda_studio.store.maps import load_map, packed, read_map, save_map


def state_of(*forwards: Known) -> LevelledScores:
    levels = [Level(str(place), forward, Nothing()) for place, forward in enumerate(forwards)]
    return LevelledScores(GRID, levels, np.array([0]), 2)


def refined(state: LevelledScores, tolerance: float) -> None:
    done = [step.done for step in refine(state, 0, tolerance, logits)]
    assert done == sorted(done)
    assert done[-1] == 1


def wanted() -> np.ndarray:
    at = GRID.corners.astype(float)
    return GRID.average(-(rough(at) + smooth(at)))


def test_a_cheap_level_takes_what_is_rough() -> None:
    """Few exact windows are enough, as what they add is smooth; the error is as claimed."""
    cheap, exact = Known(rough), Known(lambda at: rough(at) + smooth(at))
    state = state_of(cheap, exact)
    refined(state, 0.05)
    assert len(exact.scored) < 0.1 * len(GRID)
    error = logits(state.scores())[0] - wanted()
    assert np.sqrt(np.square(error).mean()) < 0.05 * np.sqrt(np.square(wanted()).mean())


def test_no_window_of_a_level_is_scored_twice() -> None:
    cheap, exact = Known(smooth), Known(lambda at: rough(at) + smooth(at))
    state = state_of(cheap, exact)
    for tolerance in (0.3, 0.1, 0.02, 0.0):
        refined(state, tolerance)
    for forward in (cheap, exact):
        assert len(set(forward.scored)) == len(forward.scored)
    assert len(exact.scored) == len(GRID)


def test_it_ends_in_the_exact_scores() -> None:
    exact = Known(lambda at: rough(at) + smooth(at))
    state = state_of(Known(smooth), exact)
    refined(state, 0.0)
    scores = state.scores()
    assert scores.coarser is None
    np.testing.assert_array_equal(scores.logit[:, 0], exact._logit(GRID.corners.astype(float)))


def test_windows_that_are_scored_exactly_stay_exact() -> None:
    exact = Known(lambda at: rough(at) + smooth(at))
    state = state_of(Known(smooth), exact)
    refined(state, 0.2)
    scores = state.scores()
    assert scores.coarser is not None
    at = scores.coarser.exact
    assert 0 < at.sum() < len(GRID)
    np.testing.assert_array_equal(scores.logit[at, 0], exact._logit(GRID.corners[at].astype(float)))


def test_interpolation_is_that_of_the_likeliest_gaussian_process() -> None:
    """Against all windows in one matrix, of whose covariances the likeliest is looked for."""
    lattice = Lattice(17, 12, 4, 2)
    at = np.argwhere(np.ones((17, 12))).astype(float)
    known = lattice.indices.ravel()
    distance = np.sqrt(3) * np.abs(at[:, None] - at)
    for field, longer, alone in (
        (rough(at), 1, 0.1),
        (smooth(3 * at), 4, 0.02),
        (at[:, 0], 8, 0.002),
    ):
        likeliest, found = -np.inf, (0, 0.0)
        for one in ((1, 0.1), (2, 0.1), (4, 0.02), (8, 0.002)):
            scaled = distance / (3 * one[0])
            covariance = (1 - one[1]) * ((1 + scaled) * np.exp(-scaled)).prod(-1)
            some = covariance[np.ix_(known, known)] + one[1] * np.eye(len(known))
            solved = np.linalg.solve(some, field[known])
            variance = field[known] @ solved / len(known)
            likelihood = -len(known) * np.log(variance) - np.linalg.slogdet(some)[1]
            if likelihood > likeliest:
                likeliest, found = likelihood, one
                wanted = covariance[:, known] @ solved
        assert found == (longer, alone)
        wanted[known] = field[known]
        values = np.stack([field, rough(at + 5)], -1)[lattice.indices]
        got = lattice.interpolated(values, 2.0)[..., 0].ravel()
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-8)


def test_lattices_are_nested_and_hold_the_edges() -> None:
    lattice = Lattice(30, 23, 6, 6)
    for axis in (0, 1) * 6:
        finer = lattice.finer(axis)
        twice = finer.thinned(axis)
        assert twice.steps[axis] == 2 * finer.steps[axis]
        assert set(twice.indices.ravel()) < set(finer.indices.ravel())
        assert set(lattice.indices.ravel()) < set(finer.indices.ravel())
        assert {0, 22, 29 * 23, 30 * 23 - 1} <= set(finer.indices.ravel().tolist())
        known = np.zeros(30 * 23, dtype=bool)
        known[lattice.indices] = True
        [(rows, columns)] = finer.missing(known)
        new = set((rows[:, None] * 23 + columns).ravel().tolist())
        assert new == set(finer.indices.ravel().tolist()) - set(lattice.indices.ravel().tolist())
        lattice = finer
    assert lattice.complete


def test_only_what_is_missing_is_scored() -> None:
    """Of an earlier map, windows of another lattice may be known: finer along one axis."""
    known = np.zeros(30 * 23, dtype=bool)
    known[Lattice(30, 23, 3, 4).indices] = True
    lattice = Lattice(30, 23, 2, 1)
    found = [
        (row * 23 + c) for rows, columns in lattice.missing(known) for row in rows for c in columns
    ]
    assert sorted(found) == sorted(set(lattice.indices[~known[lattice.indices]].tolist()))
    assert Lattice(30, 23, 4, 4).missing(known) == []


def test_the_error_of_a_hand_worked_move() -> None:
    """Everywhere the same move: the error is its part that remains, everywhere."""
    error = approximation_error(np.full((9, 9), 3.0), np.full((9, 9), 1.0), step=4, window=3)
    np.testing.assert_allclose(error, 0.6 * 2)
    sampled = np.full((9, 9), 3.0), np.full((9, 9), 1.0), 4, 3, np.full((9, 9), 1.0)
    np.testing.assert_allclose(approximation_error(*sampled), 0.6)  # of √(4 − 3)


def test_levels_are_chosen_where_they_pay() -> None:
    """A layer that knows nearly all and costs little is taken, one that knows nothing is not."""

    def pilot(residual: float, seconds: float) -> Pilot:
        return Pilot(["early"], [[0, residual], [residual, 0]], [1.0, 1.0], [seconds, 1.0])

    assert cheapest(pilot(0.2, 0.02), 0.05) == ["early"]
    assert cheapest(pilot(1.4, 0.02), 0.05) == []
    assert cheapest(pilot(0.2, 0.9), 0.05) == []


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.square(values.astype(float)).mean()))


def test_the_map_of_a_network_is_as_near_as_it_says(
    squeezenet: Classifier, image, tmp_path: Path
) -> None:
    """True and claimed error, also of a class that is drawn from the same scores, and in a file."""
    picture = np.asarray(image("imagenet_samples/n01828970_bee_eater.JPEG"))
    smaller = squeezenet.preprocessing.model_copy(update={"resize": 182, "size": (160, 160)})
    squeezenet = replace(squeezenet, preprocessing=smaller, batch_sizes={})
    options = {"window": 12, "outer": 16, "stride": 4}
    exact = explain(picture, squeezenet, **options)
    got = explain(picture, squeezenet, forward="levelled", tolerance=0.15, **options)
    assert isinstance(exact, EvidenceMap)
    assert isinstance(got, EvidenceMap)
    estimate = approximation(got.diagnostics)
    assert estimate is not None
    assert 0 < estimate.error <= 0.15
    assert estimate.exact < 0.8
    assert rms(got.evidence - exact.evidence) < 1.5 * 0.15 * rms(exact.evidence)
    assert got.approximation_error is not None
    within = np.abs(got.evidence - exact.evidence) <= 2 * got.approximation_error
    assert within.mean() > 0.85

    view = squeezenet.preprocessing.view(picture)
    subject = Subject.of_view(view, squeezenet, squeezenet.predict(view))
    other = subject.about(int(subject.kept_classes[1]))
    wanted, redrawn = redraw(exact, other, "log-odds"), redraw(got, other, "log-odds")
    assert redrawn.approximation_error is not None
    error = rms(redrawn.evidence - wanted.evidence)
    assert error < 2 * rms(redrawn.approximation_error)
    assert error < 0.5 * rms(wanted.evidence)

    save_map(redrawn, tmp_path / "map.npz")
    again = load_map(tmp_path / "map.npz")
    assert isinstance(again, EvidenceMap)
    np.testing.assert_array_equal(again.approximation_error, redrawn.approximation_error)
    assert again.diagnostics == redrawn.diagnostics
    kept = read_map(io.BytesIO(packed(got, scores=True)), "kept")
    assert isinstance(kept, EvidenceMap)
    np.testing.assert_array_equal(
        redraw(kept, other, "log-odds").approximation_error, redrawn.approximation_error
    )


def test_samples_have_both_errors(digits: Classifier) -> None:
    """Below the samples stands the exact score of their mean; sampling is no approximation."""
    picture = np.zeros((28, 28, 3), dtype=np.uint8)
    picture[4:24, 12:16] = 255
    options = {"infill": "conditional-samples", "samples": 20, "window": 5}
    exact = explain(picture, digits, **options)
    got = explain(picture, digits, forward="levelled", tolerance=0.2, **options)
    assert isinstance(exact, EvidenceMap)
    assert isinstance(got, EvidenceMap)
    estimate = approximation(got.diagnostics)
    assert estimate is not None
    assert 0 < estimate.error <= 0.2
    assert got.standard_error is not None
    assert exact.standard_error is not None
    assert rms(got.standard_error) > rms(exact.standard_error)  # fewer windows are sampled
    either = np.hypot(0.2 * rms(exact.evidence), rms(got.standard_error))
    assert rms(got.evidence - exact.evidence) < 1.5 * either
    assert "exact of the mean infill" in got.forward


def test_nothing_tolerated_is_the_exact_map(digits: Classifier) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (28, 28, 3), dtype=np.uint8)
    exact = explain(picture, digits, batch=16, window=6)
    same = explain(picture, digits, batch=16, window=6, forward="levelled", tolerance=0)
    np.testing.assert_array_equal(exact.evidence, same.evidence)
    assert same.approximation_error is None


@pytest.mark.parametrize("layer", ["", "0", "3"])
def test_lower_blocks_are_those_of_a_followed_network(layer: str) -> None:
    """Run up to a module, a network scores as where its layers are followed up to it."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.Tanh(),
        nn.Flatten(), nn.Linear(8 * 25, 9),
    )  # fmt: skip
    classifier = classifier_of(network, size=16, classes=9)
    generator = torch.Generator().manual_seed(1)
    pixels = torch.rand(3, 16, 16, generator=generator)
    corners, infills = np.array([[2, 3], [9, 1]]), torch.rand(2, 2, 3, 5, 5, generator=generator)
    kept = np.array([4, 0])
    got = LowerBlocks(classifier, pixels, kept, layer)(corners, infills)
    if layer:
        wanted = LinearisedTail(classifier, pixels, kept, layer)(corners, infills)
        np.testing.assert_allclose(got.logit, wanted.logit, atol=1e-5)
        np.testing.assert_allclose(got.probability, wanted.probability, atol=1e-5)
    else:
        wanted = LinearisedInput(classifier, pixels, kept)(corners, infills)
        np.testing.assert_allclose(got.logit, wanted.logit, atol=1e-5)


def test_a_network_that_runs_as_a_whole_has_levels() -> None:
    """To first order in the image or from a block on, and exactly at fewer windows."""

    class Branching(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if images.mean() < 1e9:  # which no tracer can follow
                return self.network(images)
            return images

    whole = Branching(small_transformer().network)
    classifier = classifier_of(whole, size=32, classes=10)
    assert not classifier.is_traceable
    image = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    options = {"window": 6, "outer": 8, "infill": "grey"}
    exact = explain(image, classifier, **options)
    got = explain(image, classifier, forward="levelled", tolerance=0.15, **options)
    assert isinstance(exact, EvidenceMap)
    assert isinstance(got, EvidenceMap)
    assert "linear from" in got.forward
    estimate = approximation(got.diagnostics)
    assert estimate is not None
    assert estimate.exact < 0.5
    assert rms(got.evidence - exact.evidence) < 1.5 * 0.15 * rms(exact.evidence)

    whole.network.register_forward_hook(lambda _module, _given, result: result.detach())
    without = explain(image, classifier, forward="levelled", tolerance=0.15, **options)
    assert isinstance(without, EvidenceMap)
    assert "linear from" not in without.forward, "no gradient leads through it"


def test_a_level_of_which_a_network_looks_at_the_shape_alone() -> None:
    """A vision transformer reads the number of images off the image: that is no way to it."""
    classifier = small_transformer()
    generator = torch.Generator().manual_seed(1)
    pixels = torch.rand(3, 32, 32, generator=generator)
    corners, infills = np.array([[2, 3], [9, 1]]), torch.rand(2, 1, 3, 5, 5, generator=generator)
    kept = np.array([4, 0])
    of_patches = LinearisedTail(classifier, pixels, kept, "conv_proj")(corners, infills)
    # What becomes of the image up to there is linear itself.
    of_the_image = LinearisedInput(classifier, pixels, kept)(corners, infills)
    np.testing.assert_allclose(of_patches.logit, of_the_image.logit, atol=1e-5)
