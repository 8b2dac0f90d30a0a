"""Maps of coarser strides, picked out of finer ones' window scores."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from pda_studio.classifiers import Classifier
from pda_studio.methods import Method, method_named, run
from pda_studio.pda.scores import at_stride, second_samples
from pda_studio.results import EvidenceMap, Subject

Digit = Callable[[int], NDArray[np.uint8]]

pytestmark = pytest.mark.xdist_group("coarser")  # what is computed once is, by one worker

STRIDES = [(1, 2), (1, 3), (1, 5), (2, 4), (2, 6), (3, 6)]  # 16 steps a side: some do not divide


Made = Callable[..., EvidenceMap]


@pytest.fixture(scope="module")
def made(digits: Classifier, digit_image: Digit) -> Made:
    """Maps of a 4, each computed once; nobody changes them."""

    @cache
    def make(**values: object) -> EvidenceMap:
        wanted, subject = asked(digits, digit_image(4), **values)
        return run(wanted.steps(subject))

    return make


def asked(digits: Classifier, image: NDArray[np.uint8], **values: object) -> tuple[Method, Subject]:
    name = str(values.pop("method", "original-pda"))
    values = {"window": 6, "forward": "full", **values}
    return method_named(name).create(digits, **values), Subject.of(image, digits, batch=1)


@pytest.mark.parametrize(("fine", "coarse"), STRIDES)
@pytest.mark.parametrize(
    ("method", "samples"),
    [("efficient-pda", 1), ("original-pda", 3), ("sampled-pda", 4), ("simplified-pda", 1)],
)
def test_the_coarser_map_equals_one_made_at_that_stride(
    digits: Classifier,
    digit_image: Digit,
    made: Made,
    method: str,
    samples: int,
    fine: int,
    coarse: int,
) -> None:
    values = {"method": method, "window": 12, "samples": samples, "seed": 3}
    finer = made(**values, stride=fine)
    direct = made(**values, stride=coarse)
    wanted, subject = asked(digits, digit_image(4), **values, stride=coarse)
    try:
        redrawn = wanted.redrawn(finer, subject)
    except KeyError:  # one infill drawn: the second draws may lie elsewhere
        assert method == "sampled-pda"
        assert finer.scores is not None
        assert not finer.scores.varied.all()
        return
    same(redrawn, direct)


@pytest.mark.parametrize(("fine", "coarse"), [(1, 2), (2, 4), (4, 8)])
def test_second_draws_count_where_a_direct_run_makes_them(
    digits: Classifier, digit_image: Digit, fine: int, coarse: int
) -> None:
    """Windows of 12 on 28 pixels: 17 places a side, with a last one that both lattices have."""
    values = {"infill": "marginal-empirical-mean", "samples": 2, "forward": "full"}
    maps = []
    for stride in (fine, coarse):
        method = method_named("sampled-pda").create(digits, window=12, stride=stride, **values)
        subject = Subject.of(digit_image(6), digits, batch=1)
        maps.append(run(method.steps(subject)))
    finer, direct = maps
    assert finer.scores is not None
    assert 0 < finer.scores.varied.sum() < len(finer.scores.varied)
    same(method.redrawn(finer, subject), direct)


def same(redrawn: EvidenceMap, direct: EvidenceMap) -> None:
    limit = direct.limit
    np.testing.assert_allclose(redrawn.evidence, direct.evidence, rtol=1e-6, atol=1e-6 * limit)
    assert (redrawn.standard_error is None) == (direct.standard_error is None)
    if direct.standard_error is not None:
        assert redrawn.standard_error is not None
        assert direct.standard_error.max() > 0
        np.testing.assert_allclose(redrawn.standard_error, direct.standard_error, rtol=1e-6)
    assert redrawn.parameters == direct.parameters
    assert redrawn.complete
    assert redrawn.scores is not None
    assert direct.scores is not None
    assert redrawn.scores.grid == direct.scores.grid
    np.testing.assert_array_equal(redrawn.scores.varied, direct.scores.varied)


def test_finer_and_odd_strides_are_refused(made: Made) -> None:
    scores = made(method="efficient-pda", samples=1, seed=3, stride=2).scores
    assert scores is not None
    assert at_stride(scores, 2) is scores
    for stride in (1, 3, 5):
        with pytest.raises(KeyError):
            at_stride(scores, stride)


def test_second_draws_that_are_missing_are_not_made_up(made: Made) -> None:
    """At stride 4, every window of 6 pixels is drawn again; at stride 1 a ninth are."""
    scores = made(method="sampled-pda", samples=4, seed=3, stride=1).scores
    assert scores is not None
    assert second_samples(replace(scores.grid, stride=4)).all()
    with pytest.raises(KeyError):
        at_stride(scores, 4)


def test_sources_leave_out_what_plays_no_part(digits: Classifier, digit_image: Digit) -> None:
    def sources(method: str = "efficient-pda", batch: int | None = None, **values: object):  # type: ignore[no-untyped-def]
        target = values.pop("target", None)
        subject = Subject.of(digit_image(4), digits, target, batch)  # type: ignore[arg-type]
        return method_named(method).create(digits, window=6, **values).sources(subject)

    assert [source["stride"] for source in sources(stride=6)] == [6, 3, 2, 1]
    assert [source["stride"] for source in sources(stride=6, batch=8)] == [6]
    assert sources() == sources(target=9) == sources(difference="logit")
    assert sources() == sources(samples=3) == sources(seed=7) == sources(outer=20)
    assert sources() != sources(colour="independent")
    assert sources("simplified-pda") != sources("simplified-pda", target=9)
