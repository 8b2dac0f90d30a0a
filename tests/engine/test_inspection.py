"""Looking behind a map, against images put together by hand and asked about in float64."""

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
from pda_studio.inspection import (
    Box,
    MethodFilling,
    RankedWindows,
    RegionFilling,
    deletion_curve,
    filling_of,
    likeliest,
    ranked_over,
    ranked_windows,
    removal_steps,
    remove,
)
from pda_studio.methods import Method, method_named, run
from pda_studio.pda.infill import make_infill
from pda_studio.pda.infill.statistics import shipped_statistics
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import EvidenceMap, Subject
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
    box = ranked.box(ranked.over(column, row)[0])
    assert (box.top, box.left) == places[max(covering, key=lambda i: covering[i])]


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
    steps = list(ranked_over(method, three, 14, 14))
    assert [len(step.over(14, 14)) for step in steps] == list(range(1, 17))
    many = method_for("original-pda", three, samples=20, infill="marginal-samples", window=4)
    known = [len(step.over(14, 14)) for step in ranked_over(many, three, 14, 14)]
    assert known == [count // 3 for count in range(1, 49)], "also within a window's samples"


def test_a_hidden_unit(three: Subject) -> None:
    unit = scored(three.classifier, UnitTarget("conv2", 3)).classifier
    subject = Subject.of(three.view, unit)
    method = method_for("efficient-pda", subject, stride=2, precision="float32")
    ranked = ranked_windows(finished(method, subject))
    assert ranked.unit == "activation"
    index = ranked.strongest()[0]
    removal = remove(subject, ranked.box(index), filling_of(method, unit))
    assert removal.evidence("log-odds") == pytest.approx(ranked.values[index], rel=1e-3)
    assert removal.of_each[0] == removal.after.values[0] == removal.after.logits[0]
    assert removal.gained is None
    assert likeliest(removal.before, removal.after, 0) == [0]


def test_the_strongest_do_not_overlap() -> None:
    grid = WindowGrid(20, 20, 5, 2)
    values = np.random.default_rng(3).standard_normal(len(grid))
    ranked = RankedWindows(grid, values, "bits")
    for speaking, sign in (("for", 1), ("against", -1)):
        wanted: list[int] = []
        for index in sorted(range(len(grid)), key=lambda i: -sign * values[i]):
            box = ranked.box(index)
            pixels = {
                (y, x) for y in range(box.top, box.bottom) for x in range(box.left, box.right)
            }
            taken = {
                (y, x)
                for other in map(ranked.box, wanted)
                for y in range(other.top, other.bottom)
                for x in range(other.left, other.right)
            }
            if sign * values[index] > 0 and not pixels & taken:
                wanted.append(index)
        assert ranked.strongest(speaking) == wanted
        chosen = [ranked.box(index) for index in wanted]
        assert not any(a.overlaps(b) for i, a in enumerate(chosen) for b in chosen[:i])


def test_blocks_where_there_are_no_windows(three: Subject) -> None:
    whole = finished(method_for("saliency", three), three)
    ranked = ranked_windows(whole, side=8)
    assert ranked.summed
    assert (ranked.grid.window, ranked.grid.stride) == (8, 2)
    for index in (0, 37, len(ranked.values) - 1):
        box = ranked.box(index)
        block = whole.evidence[box.top : box.bottom, box.left : box.right].astype(np.float64)
        assert ranked.values[index] == pytest.approx(block.sum(), rel=1e-9)


def test_maps_without_anything_behind_them(three: Subject) -> None:
    whole = finished(method_for("saliency", three), three)
    with pytest.raises(UsageError, match="unfinished"):
        ranked_windows(whole.replace(covered=np.ones((28, 28), bool)))
    with pytest.raises(UsageError, match="makes an image"):
        ranked_windows(whole.replace(image=three.view.copy()))
    with pytest.raises(UsageError, match="larger than the classifier's input"):
        ranked_windows(whole, side=29)


# Without a window


def by_hand(subject: Subject, network: Network, box: Box, infills: Array) -> tuple[Array, Array]:
    """Probabilities before (K,), and of each image with its infill (S, K), in float64."""
    pixels = to_pixels(subject.view, subject.classifier.preprocessing.channels)
    images = np.repeat(pixels[None], len(infills), axis=0)
    images[:, :, box.top : box.bottom, box.left : box.right] = infills
    return softmax(network.logits(pixels[None])[0]), softmax(network.logits(images))


def test_samples_are_those_that_the_method_drew(three: Subject, network: Network) -> None:
    values = {"infill": "marginal-samples", "samples": 11, "seed": 5, "window": 5}
    method = method_for("original-pda", three, precision="float32", **values)
    ranked = ranked_windows(finished(method, three))
    index = ranked.over(15, 12)[0]
    box = ranked.box(index)
    steps = list(removal_steps(three, box, MethodFilling(method, three.classifier)))
    assert [len(step.of_each) for step in steps] == [8, 11]
    assert [step.complete for step in steps] == [False, True]
    found = steps[-1]

    infill = make_infill(
        "marginal-samples",
        torch.from_numpy(to_pixels(three.view, 1)).float(),
        window=5, outer=18, samples=11, colour="joint", seed=5,
        statistics=shipped_statistics("digits"),
    )  # fmt: skip
    drawn = infill.fill(np.array([[box.top, box.left]]))[0].double().numpy()
    before, each = by_hand(three, network, box, drawn)
    after = each.mean(0)
    np.testing.assert_allclose(found.before.probabilities, before, atol=1e-6)
    np.testing.assert_allclose(found.after.probabilities, after, atol=1e-6)
    np.testing.assert_allclose(found.of_each, each[:, three.index], atol=1e-6)
    assert found.gained == (after - before).argmax()
    bits = log_odds(before[three.index], 10) - log_odds(after[three.index], 10)
    assert found.evidence("log-odds") == pytest.approx(bits, rel=1e-4)
    assert found.evidence("log-odds") == pytest.approx(ranked.values[index], rel=1e-4)
    assert found.kind == "marginal-samples"
    assert np.array_equal(found.original, three.view[box.top : box.bottom, box.left : box.right])
    np.testing.assert_allclose(found.infills[:, ..., 0] / 255, drawn[:, 0], atol=0.51 / 255)
    assert np.array_equal(found.infills[..., 0], found.infills[..., 2])
    outside = np.ones((28, 28), bool)
    outside[box.top : box.bottom, box.left : box.right] = False
    assert np.array_equal(found.image[outside], three.view[outside])
    mean = found.image[box.top : box.bottom, box.left : box.right, 0] / 255
    np.testing.assert_allclose(mean, drawn.mean(0)[0], atol=0.51 / 255)


def test_a_window_of_a_photograph(
    bee_eater: Subject, natural: Statistics, reference_networks: Callable[[str], Network]
) -> None:
    reference = reference_networks("squeezenet1_1")
    method = method_for("efficient-pda", bee_eater)
    pixels = to_pixels(bee_eater.view)
    for top, left in ((90, 100), (0, 214)):
        found = remove(bee_eater, Box(top, left, 10, 10), filling_of(method, bee_eater.classifier))
        mean = natural.clip(conditional(pixels, natural, top, left, 10, 18).mean)
        before, after = by_hand(bee_eater, reference, found.box, mean[None])
        np.testing.assert_allclose(found.before.probabilities, before, atol=1e-5)
        np.testing.assert_allclose(found.after.probabilities, after[0], atol=1e-5)
        assert found.gained == (after[0] - before).argmax()
        shown = likeliest(found.before, found.after, found.target)
        assert len(shown) == 5
        assert {found.target, found.gained, after[0].argmax(), before.argmax()} <= set(shown)
        assert np.all(np.diff(found.before.probabilities[shown]) <= 0)


def test_a_method_removes_its_own_windows_only(three: Subject) -> None:
    filling = filling_of(method_for("efficient-pda", three, window=5), three.classifier)
    with pytest.raises(UsageError, match="5×5 pixels: a region of 6×5"):
        remove(three, Box(0, 0, 5, 6), filling)


# Without any region


@pytest.mark.parametrize(
    ("box", "side"),
    [(Box(100, 60, 7, 13), 21), (Box(0, 218, 3, 6), 14), (Box(208, 0, 16, 16), 24)],
)
def test_conditional_mean_of_a_rectangle(
    box: Box, side: int, bee_eater: Subject, natural: Statistics
) -> None:
    """As defined: every system solved as it stands, on a patch 8 pixels larger."""
    filling = RegionFilling(bee_eater.classifier)
    assert filling.kind(box, 224, 224) == "conditional-mean"
    found = filling(bee_eater.classifier.preprocessing.pixels(bee_eater.view), box)
    top = min(max(box.top - (side - box.height) // 2, 0), 224 - side)
    left = min(max(box.left - (side - box.width) // 2, 0), 224 - side)
    covariance = natural.patch_covariance(0, 0, side, "joint")
    mean = natural.patch_mean(0, 0, side)
    inside = np.zeros((3, side, side), bool)
    inside[:, box.top - top : box.bottom - top, box.left - left : box.right - left] = True
    w, o = np.flatnonzero(inside), np.flatnonzero(~inside)
    patch = to_pixels(bee_eater.view)[:, top : top + side, left : left + side].ravel()
    weights = np.linalg.solve(covariance[np.ix_(o, o)], patch[o] - mean[o])
    wanted = natural.clip((mean[w] + covariance[np.ix_(w, o)] @ weights).reshape(3, box.height, -1))
    np.testing.assert_allclose(found[0].numpy(), wanted, atol=2e-5)


def test_a_square_region_is_filled_as_a_window(bee_eater: Subject) -> None:
    pixels = bee_eater.classifier.preprocessing.pixels(bee_eater.view)
    as_window = filling_of(method_for("efficient-pda", bee_eater), bee_eater.classifier)
    box = Box(50, 80, 10, 10)
    as_region = RegionFilling(bee_eater.classifier)(pixels, box)
    torch.testing.assert_close(as_region, as_window(pixels, box), rtol=0, atol=1e-4)


def test_digits_have_a_law_at_every_place(three: Subject, digit_statistics: Statistics) -> None:
    filling = RegionFilling(three.classifier)
    pixels = three.classifier.preprocessing.pixels(three.view)
    for box in (Box(3, 20, 20, 7), Box(0, 0, 28, 28)):
        assert filling.kind(box, 28, 28) == "marginal-mean"
        mean = marginal(to_pixels(three.view, 1), digit_statistics, 0, 0, 28, 28).mean
        wanted = mean[:, box.top : box.bottom, box.left : box.right]
        np.testing.assert_allclose(filling(pixels, box)[0].numpy(), wanted, atol=1e-6)


def test_large_regions_are_inpainted_and_everything_is_grey(bee_eater: Subject) -> None:
    filling = RegionFilling(bee_eater.classifier)
    pixels = bee_eater.classifier.preprocessing.pixels(bee_eater.view)
    box = Box(40, 40, 100, 60)
    assert filling.kind(box, 224, 224) == "inpaint-telea"
    painted = filling(pixels, box)[0]
    changed = pixels.clone()
    changed[box.inside] = 0.9
    torch.testing.assert_close(filling(changed, box)[0], painted, msg="it must not see the region")
    rim = pixels[:, 39, 40:100]
    assert (painted[:, 0] - rim).abs().mean() < 0.05, "it carries on what is above it"
    whole = Box(0, 0, 224, 224)
    for name in ("auto", "inpaint-telea"):
        assert RegionFilling(bee_eater.classifier, name).kind(whole, 224, 224) == "grey"
    assert bool((filling(pixels, whole) == 0.5).all())


def test_blur_and_grey(bee_eater: Subject) -> None:
    pixels = bee_eater.classifier.preprocessing.pixels(bee_eater.view)
    box = Box(60, 90, 12, 20)
    blurred = RegionFilling(bee_eater.classifier, "blur")(pixels, box)[0].numpy()
    for channel, found in zip(to_pixels(bee_eater.view), blurred, strict=True):
        wanted = scipy.ndimage.gaussian_filter(channel, 10, mode="reflect", truncate=4)
        here = wanted[box.top : box.bottom, box.left : box.right]
        np.testing.assert_allclose(found, here, atol=2e-3)
    grey = RegionFilling(bee_eater.classifier, "grey")(pixels, box)
    assert grey.shape == (1, 3, 12, 20)
    assert bool((grey == 0.5).all())


def test_regions_that_cannot_be_removed(three: Subject) -> None:
    for box in (Box(0, 0, 29, 3), Box(-1, 0, 4, 4), Box(5, 5, 0, 4), Box(20, 20, 4, 9)):
        with pytest.raises(UsageError, match="does not lie within the classifier's input of 28×28"):
            remove(three, box, RegionFilling(three.classifier))
    with pytest.raises(UsageError, match="choose one of auto, inpaint-telea, blur, grey"):
        RegionFilling(three.classifier, "magic")  # type: ignore[arg-type]


def test_answers_that_are_not_finite(three: Subject) -> None:
    class Broken(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 10), float("nan"))

    broken = replace(three, scored=replace(three.scored, network=Broken()))
    with pytest.raises(PdaStudioError, match="not finite"):
        remove(broken, Box(0, 0, 4, 4), RegionFilling(broken.scored, "grey"))


# One after the other


def test_each_goes_from_what_is_left(
    bee_eater: Subject, natural: Statistics, reference_networks: Callable[[str], Network]
) -> None:
    """Two that touch: the second is filled from the image that the first has left."""
    reference = reference_networks("squeezenet1_1")
    boxes = [Box(90, 100, 10, 10), Box(90, 110, 10, 10)]
    method = method_for("efficient-pda", bee_eater)
    stages = list(deletion_curve(bee_eater, boxes, filling_of(method, bee_eater.classifier)))
    pixels = to_pixels(bee_eater.view)
    for count, stage in enumerate(stages):
        if count:
            top, left = boxes[count - 1].top, boxes[count - 1].left
            mean = natural.clip(conditional(pixels, natural, top, left, 10, 18).mean)
            pixels = with_window(pixels, top, left, mean[None])[0]
        assert stage.boxes == tuple(boxes[:count])
        wanted = softmax(reference.logits(pixels[None])[0])
        np.testing.assert_allclose(stage.answer.probabilities, wanted, atol=1e-5)
        np.testing.assert_allclose(stage.image / 255, pixels.transpose(1, 2, 0), atol=0.51 / 255)
    alone = remove(bee_eater, boxes[0], filling_of(method, bee_eater.classifier))
    first = stages[1].answer.probabilities
    np.testing.assert_allclose(alone.after.probabilities, first, atol=1e-6)


def test_samples_go_side_by_side(three: Subject, network: Network) -> None:
    values = {"infill": "marginal-samples", "samples": 4, "window": 5}
    method = method_for("original-pda", three, **values)
    filling = MethodFilling(method, three.classifier)
    boxes = [Box(5, 12, 5, 5), Box(12, 14, 5, 5), Box(18, 10, 5, 5)]
    *_, last = deletion_curve(three, boxes, filling)
    pixels = three.classifier.preprocessing.pixels(three.view)
    images = np.repeat(to_pixels(three.view, 1)[None], 4, axis=0)
    for box in boxes:
        drawn = filling(pixels, box)  # a marginal sample does not look at the image
        images[:, :, box.top : box.bottom, box.left : box.right] = drawn.numpy()
    wanted = softmax(network.logits(images)).mean(0)
    np.testing.assert_allclose(last.answer.probabilities, wanted, atol=1e-6)
    np.testing.assert_allclose(last.image[..., 1] / 255, images[0, 0], atol=0.51 / 255)


def test_removing_what_speaks_for_the_class_takes_it_away(three: Subject) -> None:
    method = method_for("efficient-pda", three, stride=1)
    ranked = ranked_windows(finished(method, three))
    filling = filling_of(method, three.classifier)
    curves = {}
    for speaking in ("for", "against"):
        boxes = [ranked.box(index) for index in ranked.strongest(speaking)]
        stages = list(deletion_curve(three, boxes, filling))
        curves[speaking] = [stage.answer.probabilities[three.index] for stage in stages]
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
    steps = deletion_curve(three, [Box(0, 0, 4, 4)] * 9, RegionFilling(three.classifier))
    next(steps)
    next(steps)
    assert asked == [1, 1]
