"""Window grids: positions, order, and how values become a map."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

from pda_studio.errors import UsageError
from pda_studio.pda.windows import WindowGrid


@composite
def grids(draw: DrawFn, largest: int = 40) -> WindowGrid:
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    window = draw(st.integers(1, min(height, width)))
    return WindowGrid(height, width, window, draw(st.integers(1, window)))


@composite
def grids_with_values(draw: DrawFn) -> tuple[WindowGrid, np.ndarray, np.ndarray]:
    grid = draw(grids(largest=24))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scored = random.random(len(grid)) < draw(st.sampled_from([0.05, 0.3, 0.9]))
    scored[random.integers(len(grid))] = True
    return grid, random.normal(size=len(grid)) * draw(st.sampled_from([1e-6, 1, 1e4])), scored


def brute_sums(grid: WindowGrid, values: np.ndarray, scored: np.ndarray) -> tuple[np.ndarray, ...]:
    accumulator = reference.Accumulator(grid.height, grid.width)
    for (top, left), value, known in zip(grid.corners, values, scored, strict=True):
        if known:
            accumulator.add(top, left, grid.window, value)
    return accumulator.we, accumulator.counts


@given(grids(largest=260))
def test_positions_are_those_of_the_definition(grid: WindowGrid) -> None:
    assert grid.rows.tolist() == reference.positions(grid.height, grid.window, grid.stride)
    assert grid.columns.tolist() == reference.positions(grid.width, grid.window, grid.stride)


@given(grids())
def test_corners_run_row_by_row_and_cover_every_pixel(grid: WindowGrid) -> None:
    k, s = grid.window, grid.stride
    corners = [tuple(corner) for corner in grid.corners.tolist()]
    assert corners == reference.windows(grid.height, grid.width, k, s)
    assert len(grid) == len(corners)
    covered = np.zeros((grid.height, grid.width), int)
    for top, left in corners:
        assert 0 <= top <= grid.height - k
        assert 0 <= left <= grid.width - k
        covered[top : top + k, left : left + k] += 1
    assert covered.min() >= 1
    assert corners[-1] == (grid.height - k, grid.width - k)
    np.testing.assert_array_equal(grid.coverage(), covered)


@given(grids())
def test_passes_visit_every_window_once(grid: WindowGrid) -> None:
    visited = np.concatenate(grid.passes())
    assert sorted(visited.tolist()) == list(range(len(grid)))


@given(grids(largest=260))
@settings(max_examples=50)
def test_first_pass_is_small_and_spans_the_image(grid: WindowGrid) -> None:
    first = grid.corners[grid.passes()[0]]
    assert len(first) <= 64
    for axis, positions in ((0, grid.rows), (1, grid.columns)):
        visited = np.unique(first[:, axis])
        # Wherever a window is, one of the first pass is at most a fraction of the image away.
        distance = np.abs(positions[:, None] - visited).min(1).max()
        assert visited[0] == 0
        assert distance <= max(grid.height, grid.width) / 4 + grid.stride


@given(grids_with_values())
def test_average_is_we_over_counts(case: tuple[WindowGrid, np.ndarray, np.ndarray]) -> None:
    grid, values, _ = case
    we, counts = brute_sums(grid, values, np.ones(len(grid), bool))
    scale = np.abs(values).max()
    np.testing.assert_allclose(grid.average(values), we / counts, rtol=0, atol=1e-11 * scale)


@given(grids_with_values())
def test_partial_average_is_that_of_the_scored_windows(
    case: tuple[WindowGrid, np.ndarray, np.ndarray],
) -> None:
    grid, values, scored = case
    we, counts = brute_sums(grid, values, scored)
    # What unscored windows hold must play no part.
    found = grid.average(np.where(scored, values, 1e9), scored)
    np.testing.assert_array_equal(grid.coverage(scored), counts)
    covered = counts > 0
    scale = np.abs(values).max()
    np.testing.assert_allclose(
        found[covered], we[covered] / counts[covered], rtol=0, atol=1e-10 * scale
    )
    centres = grid.corners[scored] + grid.window // 2
    for y, x in np.argwhere(~covered):
        distance = ((centres - (y, x)) ** 2).sum(1)
        nearest = values[scored][distance == distance.min()]
        assert found[y, x] in nearest


@given(grids_with_values())
def test_evidence_times_coverage_is_conserved(
    case: tuple[WindowGrid, np.ndarray, np.ndarray],
) -> None:
    grid, values, _ = case
    total = (grid.average(values) * grid.coverage()).sum()
    assert total == pytest.approx(
        grid.window**2 * values.sum(), abs=1e-9 * np.abs(values).sum() * grid.window**2
    )


def test_constant_values_give_a_constant_map() -> None:
    grid = WindowGrid(224, 224, 10, 3)
    np.testing.assert_allclose(grid.average(np.full(len(grid), 0.7)), 0.7, atol=1e-12)


@pytest.mark.parametrize(
    ("window", "stride", "words"),
    [(0, 1, "at least 1"), (3, 0, "at least 1"), (29, 1, "larger than"), (4, 5, "gaps")],
)
def test_impossible_grids_are_refused(window: int, stride: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        WindowGrid(28, 28, window, stride)
