"""Distributions of large patches: in short steps, and the same as LAPACK's at once."""

from collections.abc import Generator, Iterator
from time import perf_counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pda_studio.infills import INFILLS, InfillSettings
from pda_studio.infills.effort import Windows
from pda_studio.methods import method_named
from pda_studio.pda.infill import blocked, distributions
from pda_studio.pda.infill.distributions import WindowDistributions
from pda_studio.pda.infill.fitting import fit_positional
from pda_studio.pda.infill.statistics import PositionalStatistics, Statistics, shipped_statistics
from pda_studio.pda.infill.terms import Preparation
from pda_studio.pda.windows import WindowGrid


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "TILE", 48)
    monkeypatch.setattr(distributions, "LARGEST_AT_ONCE", 64)


def done(work: Iterator[None]) -> int:
    return sum(1 for _ in work)


def result(work: Generator[None, None, torch.Tensor]) -> torch.Tensor:
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return stop.value


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("size", [7, 48, 97, 150])
def test_tiles_are_lapack(size: int) -> None:
    random = np.random.default_rng(size)
    root = torch.from_numpy(random.standard_normal((size, 2 * size)))
    matrix = root @ root.T
    right = torch.from_numpy(random.standard_normal((size, 2 * size + 5)))
    factor = matrix.clone()
    steps = done(blocked.cholesky(factor))
    count = -(-size // 48)
    assert steps == sum(1 + n + n * (n + 1) // 2 for n in range(count))
    wanted = torch.linalg.cholesky(matrix)
    torch.testing.assert_close(factor, wanted, rtol=1e-11, atol=1e-11)
    for solve, left in ((blocked.solve_lower, wanted), (blocked.solve_transposed, wanted.T)):
        solution = right.clone()
        done(solve(factor, solution))
        torch.testing.assert_close(left @ solution, right, rtol=1e-9, atol=1e-9)
    rest = torch.eye(2 * size + 5, dtype=torch.float64)
    done(blocked.subtract_gram(rest, right))
    direct = torch.eye(len(rest), dtype=torch.float64) - right.T @ right
    torch.testing.assert_close(rest.tril(), direct.tril(), rtol=1e-11, atol=1e-11)
    inverse = factor.clone()
    done(blocked.invert_lower(inverse))
    eye = torch.eye(size, dtype=torch.float64)
    torch.testing.assert_close(inverse @ wanted, eye, rtol=0, atol=1e-9)
    done(blocked.gram(inverse))
    torch.testing.assert_close(inverse @ matrix, eye, rtol=0, atol=1e-8)


@pytest.fixture(scope="module")
def digits() -> PositionalStatistics:
    found = shipped_statistics("digits")
    assert isinstance(found, PositionalStatistics)
    return found


@pytest.fixture(scope="module")
def colours() -> PositionalStatistics:
    """Of small pictures of three channels, each place with a covariance of its own."""
    random = np.random.default_rng(4)
    images = random.integers(0, 256, (900, 3, 9, 9)).astype(np.uint8)
    images[:, 1] = images[:, 0] // 2 + images[:, 1] // 2
    return fit_positional(images)


@pytest.mark.parametrize("colour", ["joint", "independent"])
@pytest.mark.parametrize("which", ["natural", "digits", "colours"])
def test_parts_of_a_covariance_are_those_of_the_whole(
    which: str, colour: str, digits: Statistics, colours: Statistics
) -> None:
    statistics = {"natural": shipped_statistics("natural"), "digits": digits, "colours": colours}
    one = statistics[which]
    whole = one.patch_covariance(one.place(1, 2), 6, colour)  # type: ignore[arg-type]
    random = np.random.default_rng(0)
    rows, columns = random.permutation(len(whole))[:30], random.permutation(len(whole))[:17]
    part = one.covariance_between(one.place(1, 2), 6, colour, rows, columns)  # type: ignore[arg-type]
    assert np.array_equal(part, whole[np.ix_(rows, columns)])


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("colour", ["joint", "independent"])
@pytest.mark.parametrize(
    ("size", "side", "place"),
    [((4, 4), 10, (0, 3)), ((9, 9), 10, (1, 0)), ((3, 8), 9, (6, 1)), ((8, 3), 9, (0, 2))],
)
def test_large_patches_have_the_distribution_that_is_defined(
    size: tuple[int, int], side: int, place: tuple[int, int], colour: str
) -> None:
    """By the precision or by the covariance, whichever is smaller: Σ_wo Σ_oo⁻¹ and its rest."""
    statistics = shipped_statistics("natural")
    found = WindowDistributions(statistics, size, side, colour, True, True)  # type: ignore[arg-type]
    marked = np.zeros((3, side, side), bool)
    marked[:, place[0] : place[0] + size[0], place[1] : place[1] + size[1]] = True
    w, o = np.flatnonzero(marked), np.flatnonzero(~marked)
    covariance = statistics.patch_covariance((0, 0), side, colour)  # type: ignore[arg-type]
    weights = np.linalg.solve(covariance[np.ix_(o, o)], covariance[np.ix_(o, w)])
    rest = covariance[np.ix_(w, w)] - covariance[np.ix_(w, o)] @ weights
    # A is upper triangular: backwards it is the lower root of the covariance backwards.
    root = np.linalg.cholesky(rest[::-1, ::-1])[::-1, ::-1]
    for route in (found._by_precision, found._by_covariance):
        entered = torch.zeros(len(covariance), len(w), dtype=torch.float64)
        scale = result(route((0, 0), w, o, entered))
        np.testing.assert_allclose(entered[o], weights, rtol=0, atol=1e-9)
        np.testing.assert_allclose(scale, root, rtol=0, atol=1e-6)
    distribution = found[0, 0, *place]
    np.testing.assert_allclose(distribution.weights[o], weights, rtol=0, atol=1e-6)
    assert not distribution.weights[w].any()
    np.testing.assert_allclose(distribution.scale, root, rtol=0, atol=1e-6)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("name", ["conditional-samples", "conditional-mean", "marginal-samples"])
def test_steps_and_sizes_make_no_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(1))
    settings = InfillSettings(11, samples=5, statistics=shipped_statistics("natural"))
    corners = np.array([[0, 0], [10, 12], [31, 31], [11, 12], [0, 20]])
    tiled = INFILLS[name].filler(pixels, (9, 9), settings).fill(corners)
    distributions.window_distributions.cache_clear()
    monkeypatch.undo()
    whole = INFILLS[name].filler(pixels, (9, 9), settings).fill(corners)
    distributions.window_distributions.cache_clear()
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2e-6)


def test_window_40_outer_41_takes_short_named_steps() -> None:
    """It took over a minute without interruption."""
    distributions.window_distributions.cache_clear()
    pixels = torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(1))
    settings = InfillSettings(41, samples=10, statistics=shipped_statistics("natural"))
    filler = INFILLS["conditional-samples"].filler(pixels, (40, 40), settings)
    work = filler.fill_in_steps(np.array([[0, 0], [90, 100], [184, 3]]))
    taken, names = [], []
    began = perf_counter()
    while True:
        try:
            step = next(work)
        except StopIteration:
            break
        now = perf_counter()
        taken.append(now - began)
        names.append(step)
        began = now
    distributions.window_distributions.cache_clear()
    assert {str(one) for one in names if one.step == "covariances"} == {
        "covariances 1 of 2", "covariances 2 of 2",
    }  # fmt: skip
    assert all(isinstance(one, Preparation) for one in names)
    assert len(taken) > 10
    assert np.quantile(taken, 0.9) < 0.3, "whoever waits can stop"


def test_what_takes_minutes_or_gigabytes_is_known_beforehand() -> None:
    infill = INFILLS["conditional-samples"]
    usual = infill.effort(Windows((224, 224), 10, 1), 18, 3)
    assert usual.warning == ""
    assert usual.seconds < 5
    large = infill.effort(Windows((224, 224), 40, 4), 48, 3)
    assert "minutes" in large.warning
    assert "GB" in large.warning
    assert INFILLS["blur"].effort(Windows((224, 224), 40, 4), 48, 3).warning == ""
    smaller = infill.effort(Windows((224, 224), 40, 4), 41, 3)
    assert smaller.seconds < large.seconds
    assert INFILLS["conditional-mean"].effort(Windows((224, 224), 40, 4), 41, 3).warning == ""


@pytest.mark.parametrize(
    ("side", "k", "stride"), [(224, 10, 4), (28, 4, 1), (48, 20, 7), (9, 9, 2)]
)
def test_windows_without_arrays_are_those_of_the_grid(side: int, k: int, stride: int) -> None:
    windows, grid = Windows((side, side), k, stride), WindowGrid(side, side, k, stride)
    assert windows.starts(side) == grid.rows.tolist()
    assert windows.passes == len(grid.passes())


def test_methods_warn_beforehand() -> None:
    subject = SimpleNamespace(
        view=np.zeros((224, 224, 3), np.uint8),
        classifier=SimpleNamespace(preprocessing=SimpleNamespace(channels=3)),
    )
    kind = method_named("original-pda")
    warning = kind(window=40, outer=48, stride=4).warning(subject)  # type: ignore[arg-type]
    assert "minutes" in warning
    assert kind(window=40, outer=48, stride=4, infill="blur").warning(subject) == ""  # type: ignore[arg-type]
    assert kind().warning(subject) == ""  # type: ignore[arg-type]


def test_the_distributions_used_last_are_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    made = WindowDistributions(shipped_statistics("natural"), (2, 2), 6, "joint", True, False)
    first, second, third = ((0, 0, 2, left) for left in (1, 2, 3))
    monkeypatch.setattr(distributions, "_CACHE_BYTES", 2 * made[first].bytes)
    assert made[second] is made[second]
    assert first in made
    assert made[first] is made[first]
    made[third]
    assert [key in made for key in (first, second, third)] == [True, False, True]
