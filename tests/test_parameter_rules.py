"""Rules between parameters: whatever is set, the method that comes of it is whole, and fits."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pda_studio.errors import UsageError
from pda_studio.methods import COMBINING, METHODS, method_named
from pda_studio.methods.multiscale import MultiscalePDA
from pda_studio.methods.prediction_difference import (
    EfficientPDA,
    Occlusion,
    PredictionDifference,
    SimplifiedPDA,
)

SIZES = st.sampled_from([28, 32, 64, 65, 224, 384, 518])
NUMBERS = st.integers(-5, 700)
WINDOWED = [kind for kind in METHODS.values() if issubclass(kind, PredictionDifference)]


def classifier(size: int, window: int = 10, outer: int = 18, law: str = "conditional"):
    """What declarations ask of a classifier."""
    suited = {"law": law, "distribution": law, "statistics": "natural"}
    return SimpleNamespace(
        input_size=(size, size),
        shorter_side=size,
        settings=SimpleNamespace(window=window, outer=outer, **suited),
    )


def requires_fit(method: PredictionDifference, size: int) -> None:
    assert 1 <= method.window <= min(128, size)
    assert 1 <= method.stride <= method.window
    if "outer" not in method.inactive():
        assert method.window + 1 <= method.outer <= min(64, size)
    assert type(method)(**dict(method)) == method, "it is whole"


@settings(deadline=None)
@given(
    kind=st.sampled_from(WINDOWED),
    size=SIZES,
    changes=st.lists(
        st.tuples(st.sampled_from(["window", "outer", "stride", "samples"]), NUMBERS)
        | st.tuples(
            st.just("infill"),
            st.sampled_from(["grey", "conditional-mean", "conditional-samples", "marginal-mean"]),
        ),
        max_size=6,
    ),
)
def test_any_edits_end_within_the_bounds(kind, size, changes) -> None:
    method = kind.start_for(classifier(size))
    requires_fit(method, size)
    for name, value in changes:
        before, method = method, method.with_changes(size, **{name: value})
        requires_fit(method, size)
        others = {"window", "outer", "stride"} - {name}
        if name == "samples":
            assert all(getattr(before, one) == getattr(method, one) for one in others)
        if name not in ("infill", "window", "outer"):
            low, high = before.bounds(size)[name]
            assert getattr(method, name) == min(max(value, low), high), "the nearest end"


@settings(deadline=None)
@given(
    size=SIZES,
    window=st.integers(1, 40),
    rim=st.integers(1, 20),
    other=st.integers(1, 63),
)
def test_the_outer_patch_keeps_its_rim(size, window, rim, other) -> None:
    most = min(64, size)
    method = EfficientPDA().with_changes(size, window=window)
    method = method.with_changes(size, outer=window + rim)
    if method.window != window or method.outer != window + rim or method.outer == most:
        return  # there was no room for it
    moved = method.with_changes(size, window=other)
    assert moved.outer == min(moved.window + rim, most) or other > moved.window


def test_the_rim_comes_back_from_the_end() -> None:
    method = EfficientPDA()
    far = method.with_changes(224, window=63)
    assert (far.window, far.outer) == (63, 64)
    assert far.with_changes(224, window=10) == method
    small = EfficientPDA(window=4, outer=12).with_changes(28, window=27)
    assert (small.window, small.outer) == (27, 28)
    assert small.with_changes(28, window=4).outer == 12


def test_too_large_a_stride_ends_at_the_window() -> None:
    assert EfficientPDA().with_changes(224, stride=16).stride == 10


def test_windows_without_surroundings_may_be_larger() -> None:
    large = Occlusion().with_changes(224, window=100)
    assert large.window == 100
    fitted = large.with_changes(224, infill="conditional-mean")
    assert (fitted.window, fitted.outer) == (63, 64)


def test_one_sentence_says_how_large_a_window_may_be() -> None:
    for values in ({"window": 64}, {"window": 64, "outer": 64}, {"window": 100, "outer": 20}):
        with pytest.raises(UsageError, match="choose a window of at most 63, or an infill that"):
            EfficientPDA.create(**values)
    assert EfficientPDA.create(window=63).outer == 64
    with pytest.raises(UsageError, match="leaves no surroundings to a window of 30"):
        EfficientPDA.create(window=30, outer=30)


def test_a_named_window_takes_its_outer_patch_along_where_it_must() -> None:
    assert EfficientPDA.create(window=12).outer == 18, "it has room as it is"
    assert EfficientPDA.create(window=30).outer == 38


@pytest.mark.parametrize(
    ("size", "forward"), [(28, "auto"), (64, "auto"), (65, "levelled"), (224, "levelled")]
)
def test_the_window_starts_with_levelled_maps_on_large_inputs(size: int, forward: str) -> None:
    """At stride 1; what is a forward of its own stays so."""
    start = EfficientPDA.start_for(classifier(size, 4, 12))
    assert (start.forward, start.stride) == (forward, 1)
    assert SimplifiedPDA.start_for(classifier(size, 4, 12)).forward == "linearised"
    assert EfficientPDA.create(classifier(size, 4, 12)).stride == 1, "as the paper"


def test_what_was_set_stays_where_it_means_the_same() -> None:
    large, small = classifier(224), classifier(28, 4, 12, "marginal")
    first = EfficientPDA(window=20, outer=30, stride=5, samples=7, seed=3, difference="logit")
    other = method_named("occlusion").adopting(first, large)
    assert (other.window, other.outer, other.stride, other.seed) == (20, 30, 5, 3)
    assert (other.infill, other.difference) == ("grey", "probability"), "its own choices"
    moved = EfficientPDA.adopting(first, small, new_classifier=True)
    assert moved.forward == "auto"
    chosen = EfficientPDA(forward="linearised")
    assert EfficientPDA.adopting(chosen, large, new_classifier=True).forward == "linearised"
    assert EfficientPDA.adopting(moved, large, new_classifier=True).forward == "levelled"
    assert (moved.window, moved.outer, moved.stride, moved.infill) == (4, 12, 1, "marginal-mean")
    assert (moved.samples, moved.seed, moved.difference) == (7, 3, "logit")
    assert EfficientPDA.adopting(None, large) == EfficientPDA.start_for(large)
    at = method_named("simplified-pda")(at="features.3").adopting(first, large)
    assert at.at == "input", "layers are a network's own"


@settings(deadline=None)
@given(size=SIZES, kind=st.sampled_from([*METHODS.values(), *COMBINING.values()]), data=st.data())
def test_every_method_fits_whatever_is_typed(size, kind, data) -> None:
    method = kind.start_for(classifier(size))
    numbers = [one for one in method.parameters() if one.is_number]
    if not numbers:
        return
    known = data.draw(st.sampled_from(numbers))
    typed = data.draw(NUMBERS if known.kind == "integer" else st.floats(-1e6, 1e6))
    low, high = method.bounds(size)[known.name]
    fitted = method.with_changes(size, **{known.name: typed})
    found = getattr(fitted, known.name)
    assert low is None or found >= low
    assert high is None or found <= high
    if (low is None or typed >= low) and (high is None or typed <= high):
        assert found == typed


@pytest.mark.parametrize("infill", ["conditional-mean", "grey"])
def test_the_sizes_of_several_windows_keep_their_order(infill: str) -> None:
    for size in (28, 224):
        method = MultiscalePDA.start_for(classifier(size)).with_changes(size, infill=infill)
        large = method.with_changes(size, largest=500)
        most = min(63, size - 1) if infill == "conditional-mean" else min(128, size)
        assert large.largest == most
        assert method.with_changes(size, smallest=500).smallest == method.largest - 1


@settings(deadline=None)
@given(st.integers(1, 127), st.integers(2, 128), st.integers(2, 8))
def test_windows_are_spaced_evenly_by_ratio(smallest: int, largest: int, sizes: int) -> None:
    if largest <= smallest:
        return
    method = MultiscalePDA(smallest=smallest, largest=largest, sizes=sizes)
    wanted = np.geomspace(smallest, largest, sizes).round().astype(int)
    assert method.windows() == sorted(set(wanted.tolist()), reverse=True)


def test_the_finest_has_every_window() -> None:
    assert EfficientPDA().finest() is None
    assert EfficientPDA(stride=4).finest() == EfficientPDA()
    assert EfficientPDA(stride=4).changed_in(EfficientPDA()) == ["Stride 1"]
    assert method_named("saliency")().finest() is None


@pytest.mark.parametrize("kind", WINDOWED)
@given(size=st.integers(12, 80), window=st.integers(1, 12), stride=st.integers(1, 12))
@settings(deadline=None)
def test_the_cost_counts_the_windows(kind, size: int, window: int, stride: int) -> None:
    from pda_studio.pda.windows import WindowGrid

    method = kind(window=window, outer=window + 4, stride=min(stride, window), samples=3)
    subject = SimpleNamespace(view=np.zeros((size, size + 3, 3), np.uint8))
    windows = len(WindowGrid(size, size + 3, window, method.stride))
    each = {"original-pda": 3 * windows, "simplified-pda": 1}.get(method.name, windows)
    assert method.cost(subject) == each
