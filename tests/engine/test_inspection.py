"""The inspector's engine, against images put together by hand and scored in float64."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.ndimage
import torch
from numpy.typing import NDArray
from reference import (
    Array,
    Network,
    Statistics,
    conditional,
    log_odds,
    marginal,
    preprocess,
    softmax,
    to_pixels,
    windows,
    with_window,
)

from engine.conftest import BEE_EATER, Open
from pda_studio.classifiers import Classifier
from pda_studio.classifiers.scored import scored
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.infills import INFILLS, InfillSettings
from pda_studio.infills.ready import ReadyInfill, ready_for_region
from pda_studio.inspection import (
    RankedWindows,
    Rectangle,
    Removal,
    Stage,
    deletion_curve,
    infill_of,
    likeliest,
    ranked_over,
    ranked_windows,
    removal_steps,
    remove,
)
from pda_studio.methods import Method, method_named, run
from pda_studio.pda.infill.statistics import shipped_statistics
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap, MadeImage, Subject, map_in
from pda_studio.targets import UnitTarget

Digit = Callable[[int], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def three(digits: Classifier, digit_image: Digit) -> Subject:
    return Subject.of(digit_image(3), digits)


@pytest.fixture(scope="module")
def network(digits: Classifier) -> Network:
    return Network(digits.network, digits.preprocessing.mean, digits.preprocessing.std)


@pytest.fixture(scope="module")
def bee_eater(squeezenet: Classifier, image: Open) -> Subject:
    return Subject.of(preprocess(image(BEE_EATER), 256, 224), squeezenet)


def method_for(name: str, subject: Subject, **values: object) -> Method:
    return method_named(name).create(subject.classifier, **values)


def window_infill(method: Method, subject: Subject) -> ReadyInfill:
    side = method.window  # type: ignore[attr-defined]
    return infill_of(method, subject.scored, (side, side))


def region_infill(subject: Subject, rectangle: Rectangle, name: str = "auto") -> ReadyInfill:
    return ready_for_region(name, subject.scored, (rectangle.height, rectangle.width))


def filled(infill: ReadyInfill, subject: Subject, rectangle: Rectangle) -> torch.Tensor:
    """Infills (S, C, h, w) of a rectangle of the unmodified image."""
    return filled_in(subject.classifier.preprocessing.pixels(subject.view), infill, rectangle)


def filled_in(pixels: torch.Tensor, infill: ReadyInfill, rectangle: Rectangle) -> torch.Tensor:
    return infill.filler(pixels, (rectangle.height, rectangle.width)).fill(rectangle.corner)[0]


def finished(method: Method, subject: Subject) -> EvidenceMap:
    return run(method.steps(subject))


# Which windows


@pytest.mark.parametrize(("k", "stride"), [(4, 1), (5, 3), (10, 10)])
@pytest.mark.parametrize("pixel", [(0, 0), (27, 27), (13, 20), (24, 3)])
def test_windows_over_a_pixel(k: int, stride: int, pixel: tuple[int, int]) -> None:
    column, row = pixel
    places = windows(28, 28, k, stride)
    random = np.random.default_rng(0).standard_normal(len(places))
    ranked = RankedWindows(WindowGrid(28, 28, k, stride), random, "bits")
    covering = {
        number: abs(random[number])
        for number, (top, left) in enumerate(places)
        if top <= row < top + k and left <= column < left + k
    }
    assert ranked.over(column, row) == sorted(covering, key=lambda i: -covering[i])
    rectangle = ranked.rectangle(ranked.over(column, row)[0])
    assert (rectangle.top, rectangle.left) == places[max(covering, key=lambda i: covering[i])]


def test_there_is_no_such_pixel() -> None:
    ranked = RankedWindows(WindowGrid(28, 28, 4, 1), np.zeros(625), "bits")
    for pixel in ((28, 0), (0, -1)):
        with pytest.raises(UsageError, match="no pixel at"):
            ranked.over(*pixel)


METHODS: list[tuple[str, dict[str, object]]] = [
    ("efficient-pda", {}),
    ("original-pda", {"samples": 3, "infill": "marginal-samples"}),
    ("occlusion", {}),
    ("efficient-pda", {"difference": "logit"}),
    ("simplified-pda", {}),
    ("efficient-pda", {"forward": "linearised", "at": "conv2"}),
]


@pytest.mark.parametrize(("name", "values"), METHODS)
def test_evidence_of_windows(name: str, values: dict[str, object], three: Subject) -> None:
    """The mean over a pixel's windows is the map there; scored anew they say the same."""
    method = method_for(name, three, window=6, outer=8, stride=2, precision="float32", **values)
    whole = finished(method, three)
    ranked = ranked_windows(whole)
    for column, row in ((14, 14), (0, 5), (27, 27)):
        over = ranked.over(column, row)
        assert ranked.values[over].mean() == pytest.approx(whole.evidence[row, column], abs=1e-5)
        *_, anew = ranked_over(method, three, column, row)
        assert anew.unit == ranked.unit == whole.unit
        assert set(anew.over(column, row)) == set(over)
        np.testing.assert_allclose(anew.values[over], ranked.values[over], rtol=1e-3, atol=1e-4)
        assert np.isfinite(anew.values).sum() == len(over)
        with pytest.raises(UsageError, match="when the map is finished"):
            anew.strongest()


def test_scoring_anew_comes_in_steps(three: Subject) -> None:
    method = method_for("original-pda", three, samples=8, infill="marginal-samples", window=4)

    def known(method: Method) -> list[int]:
        steps = ranked_over(method, three, 14, 14)  # type: ignore[arg-type]
        return [len(step.over(14, 14)) for step in steps if isinstance(step, RankedWindows)]

    assert known(method) == list(range(1, 17))
    many = method_for("original-pda", three, samples=20, infill="marginal-samples", window=4)
    assert known(many) == [count // 3 for count in range(1, 49)], "also within a window's samples"


def test_a_hidden_unit(three: Subject) -> None:
    unit = scored(three.classifier, UnitTarget("conv2", 3)).classifier
    subject = Subject.of(three.view, unit)
    method = method_for("efficient-pda", subject, stride=2, precision="float32")
    ranked = ranked_windows(finished(method, subject))
    assert ranked.unit == "activation"
    index = ranked.strongest()[0]
    removal = remove(subject, ranked.rectangle(index), window_infill(method, subject))
    assert removal.evidence("log-odds") == pytest.approx(ranked.values[index], rel=1e-3)
    assert removal.of_each[0] == removal.after.values[0] == removal.after.logits[0]
    assert removal.gained is None
    assert likeliest(removal.before, removal.after, 0) == [0]


def test_the_strongest_do_not_overlap() -> None:
    grid = WindowGrid(20, 20, 5, 2)
    values = np.random.default_rng(3).standard_normal(len(grid))
    ranked = RankedWindows(grid, values, "bits")
    for which, sign in (("for", 1), ("against", -1)):
        wanted: list[int] = []
        for index in sorted(range(len(grid)), key=lambda i: -sign * values[i]):
            rectangle = ranked.rectangle(index)
            pixels = {
                (y, x)
                for y in range(rectangle.top, rectangle.bottom)
                for x in range(rectangle.left, rectangle.right)
            }
            taken = {
                (y, x)
                for other in map(ranked.rectangle, wanted)
                for y in range(other.top, other.bottom)
                for x in range(other.left, other.right)
            }
            if sign * values[index] > 0 and not pixels & taken:
                wanted.append(index)
        assert ranked.strongest(which) == wanted
        chosen = [ranked.rectangle(index) for index in wanted]
        assert not any(a.overlaps(b) for i, a in enumerate(chosen) for b in chosen[:i])


def test_blocks_where_there_are_no_windows(three: Subject) -> None:
    whole = finished(method_for("saliency", three), three)
    ranked = ranked_windows(whole, side=8)
    assert ranked.summed
    assert (ranked.grid.window, ranked.grid.stride) == (8, 2)
    for index in (0, 37, len(ranked.values) - 1):
        rectangle = ranked.rectangle(index)
        block = whole.evidence[
            rectangle.top : rectangle.bottom, rectangle.left : rectangle.right
        ].astype(np.float64)
        assert ranked.values[index] == pytest.approx(block.sum(), rel=1e-9)


def test_maps_without_anything_behind_them(three: Subject) -> None:
    whole = finished(method_for("saliency", three), three)
    with pytest.raises(UsageError, match="unfinished"):
        ranked_windows(whole.replace(covered=np.ones((28, 28), bool)))
    with pytest.raises(UsageError, match="makes an image"):
        map_in(
            MadeImage(
                image=three.view,
                unit="logit",
                seconds=1.0,
                **three.described(method_for("saliency", three)),
            )
        )
    with pytest.raises(UsageError, match="larger than the classifier's input"):
        ranked_windows(whole, side=29)


# Without a window


def by_hand(
    subject: Subject, network: Network, rectangle: Rectangle, infills: Array
) -> tuple[Array, Array]:
    """Probabilities before (K,), and of each image with its infill (S, K), in float64."""
    pixels = to_pixels(subject.view, subject.classifier.preprocessing.channels)
    images = np.repeat(pixels[None], len(infills), axis=0)
    images[:, :, rectangle.top : rectangle.bottom, rectangle.left : rectangle.right] = infills
    return softmax(network.logits(pixels[None])[0]), softmax(network.logits(images))


def test_samples_are_those_that_the_method_drew(three: Subject, network: Network) -> None:
    values = {"infill": "marginal-samples", "samples": 11, "seed": 5, "window": 5}
    method = method_for("original-pda", three, precision="float32", **values)
    ranked = ranked_windows(finished(method, three))
    index = ranked.over(15, 12)[0]
    rectangle = ranked.rectangle(index)
    removal = removal_steps(three, rectangle, window_infill(method, three))
    steps = [step for step in removal if isinstance(step, Removal)]
    assert [len(step.of_each) for step in steps] == [8, 11]
    assert [step.complete for step in steps] == [False, True]
    found = steps[-1]

    filler = INFILLS["marginal-samples"].filler(
        torch.from_numpy(to_pixels(three.view, 1)).float(), (5, 5),
        InfillSettings(samples=11, seed=5, statistics=shipped_statistics("digits")),
    )  # fmt: skip
    drawn = filler.fill(np.array([[rectangle.top, rectangle.left]]))[0].double().numpy()
    before, each = by_hand(three, network, rectangle, drawn)
    after = each.mean(0)
    np.testing.assert_allclose(found.before.probabilities, before, atol=1e-6)
    np.testing.assert_allclose(found.after.probabilities, after, atol=1e-6)
    np.testing.assert_allclose(found.of_each, each[:, three.index], atol=1e-6)
    assert found.gained == (after - before).argmax()
    bits = log_odds(before[three.index], 10) - log_odds(after[three.index], 10)
    assert found.evidence("log-odds") == pytest.approx(bits, rel=1e-4)
    assert found.evidence("log-odds") == pytest.approx(ranked.values[index], rel=1e-4)
    assert found.kind == "marginal-samples"
    assert np.array_equal(
        found.original,
        three.view[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right],
    )
    np.testing.assert_allclose(found.infills[:, ..., 0] / 255, drawn[:, 0], atol=0.51 / 255)
    assert np.array_equal(found.infills[..., 0], found.infills[..., 2])
    outside = np.ones((28, 28), bool)
    outside[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right] = False
    assert np.array_equal(found.image[outside], three.view[outside])
    mean = found.image[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right, 0] / 255
    np.testing.assert_allclose(mean, drawn.mean(0)[0], atol=0.51 / 255)


def test_a_window_of_a_photograph(
    bee_eater: Subject, natural: Statistics, reference_networks: Callable[[str], Network]
) -> None:
    reference = reference_networks("squeezenet1_1")
    method = method_for("efficient-pda", bee_eater)
    pixels = to_pixels(bee_eater.view)
    for top, left in ((90, 100), (0, 214)):
        found = remove(bee_eater, Rectangle(top, left, 10, 10), window_infill(method, bee_eater))
        mean = natural.clip(conditional(pixels, natural, top, left, 10, 18).mean)
        before, after = by_hand(bee_eater, reference, found.rectangle, mean[None])
        np.testing.assert_allclose(found.before.probabilities, before, atol=1e-5)
        np.testing.assert_allclose(found.after.probabilities, after[0], atol=1e-5)
        assert found.gained == (after[0] - before).argmax()
        shown = likeliest(found.before, found.after, found.target)
        assert len(shown) == 5
        assert {found.target, found.gained, after[0].argmax(), before.argmax()} <= set(shown)
        assert np.all(np.diff(found.before.probabilities[shown]) <= 0)


def test_a_methods_infill_fills_rectangles_as_well(bee_eater: Subject, natural: Statistics) -> None:
    """With the method's outer patch around them, as far as it leaves surroundings."""
    infill = window_infill(method_for("efficient-pda", bee_eater), bee_eater)
    rectangle = Rectangle(0, 60, 7, 13)
    wanted = conditional_mean_of(rectangle, 18, bee_eater, natural)
    np.testing.assert_allclose(filled(infill, bee_eater, rectangle)[0].numpy(), wanted, atol=2e-5)
    with pytest.raises(UsageError, match="leaves no surroundings to a window of 20"):
        remove(bee_eater, Rectangle(0, 0, 5, 20), infill)


@pytest.mark.parametrize("name", list(INFILLS))
def test_every_infill_fills_squares_as_windows_and_rectangles(name: str, three: Subject) -> None:
    method = method_for(
        "efficient-pda", three, window=5, stride=4, infill=name, outer=14, samples=3,
        precision="float32",
    )  # fmt: skip
    square, wide, high = Rectangle(8, 12, 5, 5), Rectangle(8, 11, 5, 8), Rectangle(7, 12, 8, 5)
    infill = window_infill(method, three)
    whole = finished(method, three)
    removal = remove(three, square, infill)
    ranked = ranked_windows(whole)
    (index,) = np.flatnonzero((ranked.grid.corners == [8, 12]).all(1))
    lost = removal.evidence("log-odds")
    assert lost == pytest.approx(ranked.values[index], abs=1e-3)
    for rectangle in (wide, high):
        here = remove(three, rectangle, infill)
        assert here.infills.shape == (infill.samples, rectangle.height, rectangle.width, 3)
        assert here.complete
        changed = np.flatnonzero((here.image != three.view).any((1, 2)))
        assert rectangle.top <= changed.min()
        assert changed.max() < rectangle.bottom


# Without any region


@pytest.mark.parametrize(
    ("rectangle", "side"),
    [
        (Rectangle(100, 60, 7, 13), 21),
        (Rectangle(0, 218, 3, 6), 14),
        (Rectangle(208, 0, 16, 16), 24),
    ],
)
def test_conditional_mean_of_a_rectangle(
    rectangle: Rectangle, side: int, bee_eater: Subject, natural: Statistics
) -> None:
    """As defined: every system solved as it stands, on a patch 8 pixels larger."""
    infill = region_infill(bee_eater, rectangle)
    assert infill.infill.name == "conditional-mean"
    wanted = conditional_mean_of(rectangle, side, bee_eater, natural)
    np.testing.assert_allclose(filled(infill, bee_eater, rectangle)[0].numpy(), wanted, atol=2e-5)


def conditional_mean_of(
    rectangle: Rectangle, side: int, subject: Subject, natural: Statistics
) -> Array:
    """The mean of a rectangle given the rest of a patch of this side around it."""
    top = min(max(rectangle.top - (side - rectangle.height) // 2, 0), 224 - side)
    left = min(max(rectangle.left - (side - rectangle.width) // 2, 0), 224 - side)
    covariance = natural.patch_covariance(0, 0, side, "joint")
    mean = natural.patch_mean(0, 0, side)
    inside = np.zeros((3, side, side), bool)
    inside[
        :,
        rectangle.top - top : rectangle.bottom - top,
        rectangle.left - left : rectangle.right - left,
    ] = True
    w, o = np.flatnonzero(inside), np.flatnonzero(~inside)
    patch = to_pixels(subject.view)[:, top : top + side, left : left + side].ravel()
    weights = np.linalg.solve(covariance[np.ix_(o, o)], patch[o] - mean[o])
    return natural.clip(
        (mean[w] + covariance[np.ix_(w, o)] @ weights).reshape(3, rectangle.height, -1)
    )


def test_a_square_region_is_filled_as_a_window(bee_eater: Subject) -> None:
    rectangle = Rectangle(50, 80, 10, 10)
    as_window = filled(
        window_infill(method_for("efficient-pda", bee_eater), bee_eater), bee_eater, rectangle
    )
    as_region = filled(region_infill(bee_eater, rectangle), bee_eater, rectangle)
    torch.testing.assert_close(as_region, as_window, rtol=0, atol=1e-4)


def test_digits_have_a_distribution_at_every_place(
    three: Subject, digit_statistics: Statistics
) -> None:
    for rectangle in (Rectangle(3, 20, 20, 7), Rectangle(0, 0, 28, 28)):
        infill = region_infill(three, rectangle)
        assert infill.infill.name == "marginal-mean"
        mean = marginal(to_pixels(three.view, 1), digit_statistics, 0, 0, 28, 28).mean
        wanted = mean[:, rectangle.top : rectangle.bottom, rectangle.left : rectangle.right]
        np.testing.assert_allclose(filled(infill, three, rectangle)[0].numpy(), wanted, atol=1e-6)


def test_large_regions_are_inpainted_and_everything_is_grey(bee_eater: Subject) -> None:
    pixels = bee_eater.classifier.preprocessing.pixels(bee_eater.view)
    rectangle = Rectangle(40, 40, 100, 60)
    infill = region_infill(bee_eater, rectangle)
    assert infill.infill.name == "inpaint-telea"
    painted = filled_in(pixels, infill, rectangle)[0]
    changed = pixels.clone()
    changed[rectangle.inside] = 0.9
    torch.testing.assert_close(
        filled_in(changed, infill, rectangle)[0], painted, msg="it must not see the region"
    )
    rim = pixels[:, 39, 40:100]
    assert (painted[:, 0] - rim).abs().mean() < 0.05, "it carries on what is above it"
    whole = Rectangle(0, 0, 224, 224)
    for name in ("auto", "inpaint-telea"):
        grey = region_infill(bee_eater, whole, name)
        assert grey.infill.name == "grey"
        assert bool((filled_in(pixels, grey, whole) == 0.5).all())


def test_blur_and_grey(bee_eater: Subject) -> None:
    rectangle = Rectangle(60, 90, 12, 20)
    blurred = filled(region_infill(bee_eater, rectangle, "blur"), bee_eater, rectangle)[0].numpy()
    for channel, found in zip(to_pixels(bee_eater.view), blurred, strict=True):
        wanted = scipy.ndimage.gaussian_filter(channel, 10, mode="reflect", truncate=4)
        here = wanted[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right]
        np.testing.assert_allclose(found, here, atol=2e-3)
    grey = filled(region_infill(bee_eater, rectangle, "grey"), bee_eater, rectangle)
    assert grey.shape == (1, 3, 12, 20)
    assert bool((grey == 0.5).all())


def test_regions_that_cannot_be_removed(three: Subject) -> None:
    for rectangle in (
        Rectangle(0, 0, 29, 3),
        Rectangle(-1, 0, 4, 4),
        Rectangle(5, 5, 0, 4),
        Rectangle(20, 20, 4, 9),
    ):
        with pytest.raises(UsageError, match="does not lie within the classifier's input of 28×28"):
            remove(three, rectangle, region_infill(three, rectangle))
    with pytest.raises(UsageError, match=r"choose one of auto, conditional-samples, .*, blur, "):
        region_infill(three, Rectangle(0, 0, 4, 4), "magic")


def test_answers_that_are_not_finite(three: Subject) -> None:
    class Broken(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 10), float("nan"))

    broken = replace(three, scored=replace(three.scored, network=Broken()))
    with pytest.raises(PdaStudioError, match="not finite"):
        remove(broken, Rectangle(0, 0, 4, 4), region_infill(broken, Rectangle(0, 0, 4, 4), "grey"))


# One after the other


def test_each_goes_from_what_is_left(
    bee_eater: Subject, natural: Statistics, reference_networks: Callable[[str], Network]
) -> None:
    """Two that touch: the second is filled from the image that the first has left."""
    reference = reference_networks("squeezenet1_1")
    rectangles = [Rectangle(90, 100, 10, 10), Rectangle(90, 110, 10, 10)]
    method = method_for("efficient-pda", bee_eater)
    curve = deletion_curve(bee_eater, rectangles, window_infill(method, bee_eater))
    stages = [stage for stage in curve if isinstance(stage, Stage)]
    pixels = to_pixels(bee_eater.view)
    for count, stage in enumerate(stages):
        if count:
            top, left = rectangles[count - 1].top, rectangles[count - 1].left
            mean = natural.clip(conditional(pixels, natural, top, left, 10, 18).mean)
            pixels = with_window(pixels, top, left, mean[None])[0]
        assert stage.rectangles == tuple(rectangles[:count])
        wanted = softmax(reference.logits(pixels[None])[0])
        np.testing.assert_allclose(stage.scores.probabilities, wanted, atol=1e-5)
        np.testing.assert_allclose(stage.image / 255, pixels.transpose(1, 2, 0), atol=0.51 / 255)
    alone = remove(bee_eater, rectangles[0], window_infill(method, bee_eater))
    first = stages[1].scores.probabilities
    np.testing.assert_allclose(alone.after.probabilities, first, atol=1e-6)


def test_samples_go_side_by_side(three: Subject, network: Network) -> None:
    values = {"infill": "marginal-samples", "samples": 4, "window": 5}
    method = method_for("original-pda", three, **values)
    infill = window_infill(method, three)
    rectangles = [Rectangle(5, 12, 5, 5), Rectangle(12, 14, 5, 5), Rectangle(18, 10, 5, 5)]
    *_, last = deletion_curve(three, rectangles, infill)
    images = np.repeat(to_pixels(three.view, 1)[None], 4, axis=0)
    for rectangle in rectangles:
        drawn = filled(infill, three, rectangle)  # a marginal sample does not look at the image
        images[:, :, rectangle.top : rectangle.bottom, rectangle.left : rectangle.right] = (
            drawn.numpy()
        )
    wanted = softmax(network.logits(images)).mean(0)
    np.testing.assert_allclose(last.scores.probabilities, wanted, atol=1e-6)
    np.testing.assert_allclose(last.image[..., 1] / 255, images[0, 0], atol=0.51 / 255)


def test_removing_what_speaks_for_the_class_takes_it_away(three: Subject) -> None:
    method = method_for("efficient-pda", three, stride=1)
    ranked = ranked_windows(finished(method, three))
    infill = window_infill(method, three)
    curves = {}
    for sign in ("for", "against"):
        rectangles = [ranked.rectangle(index) for index in ranked.strongest(sign)]
        curve = deletion_curve(three, rectangles, infill)
        stages = [stage for stage in curve if isinstance(stage, Stage)]
        curves[sign] = [stage.scores.probabilities[three.index] for stage in stages]
    assert curves["for"][0] == curves["against"][0] > 0.9
    assert min(curves["for"]) < 0.4
    assert max(curves["against"]) > 0.98


def test_only_what_is_wanted_is_asked(three: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = Classifier.logits

    def logits(self: Classifier, prepared: torch.Tensor) -> torch.Tensor:
        asked.append(len(prepared))
        return real(self, prepared)

    monkeypatch.setattr(Classifier, "logits", logits)
    steps = deletion_curve(
        three, [Rectangle(0, 0, 4, 4)] * 9, region_infill(three, Rectangle(0, 0, 4, 4))
    )
    next(steps)
    next(steps)
    assert asked == [1, 1]
