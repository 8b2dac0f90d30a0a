"""Maps keep their numbers: every method on a digit, against what it made of it at first.

`values.npz` holds of each map every third pixel and the sums of its values and of their sizes. It
is never made anew for a change that means to change no number; one that does says so, and why.
`tests/benchmarks/same_maps.py` compares two checkouts bit for bit, on a real network as well.
"""

import io
from pathlib import Path

import map_cases
import numpy as np
import pytest

from pda_studio.cli import main
from pda_studio.methods import METHODS

VALUES = np.load(io.BytesIO((Path(__file__).parent / "values.npz").read_bytes()))
DIGIT = Path(__file__).parents[1] / "resources" / "digits" / "samples" / "7.png"
CASES = map_cases.digits()

NEEDS_TOKENS = {"attention-rollout", "attn-lrp", "patch-pda"}
"""Of vision transformers alone; its numbers are held by tests of its own."""

# Of the largest value. Processors differ in the last digits of float32, which bfloat16 may round
# the other way, and which a climb over many steps enlarges.
TOLERANCE = 2e-5
LOOSE = {"bfloat16-delta": 1e-2, "activation-maximisation": 1e-2}


def tolerance(arguments: str) -> float:
    return next((bound for word, bound in LOOSE.items() if word in arguments), TOLERANCE)


def summary(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every third pixel of a map, and the sums of its values and of their sizes."""
    values = array.astype(np.float64)
    return array[1::3, 1::3], np.array([values.sum(), np.abs(values).sum()])


def test_every_method_is_among_the_cases() -> None:
    named = {words[words.index("--method") + 1] for words in map(str.split, CASES.values())
             if "--method" in words}  # fmt: skip
    assert set(METHODS) - named == NEEDS_TOKENS
    assert {key.partition("/")[0] for key in VALUES.files} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_map_has_the_values_it_always_had(name: str, tmp_path: Path) -> None:
    arguments = CASES[name]
    output = tmp_path / "map.npz"
    line = ["explain", str(DIGIT), *arguments.split(), "--batch", "4", "--no-cache"]
    assert main([*line, "--output", str(output)]) == 0
    with np.load(output, allow_pickle=False) as made:
        there = {key.split("/")[1] for key in VALUES.files if key.startswith(f"{name}/")}
        if "picture" in there:
            there.discard("evidence")  # version 0.1 wrote zeros beside a made image
        assert there == {"evidence", "standard_error", "picture"} & set(made.files)
        for part in there:
            pixels, sums = summary(made[part])
            wanted, wanted_sums = VALUES[f"{name}/{part}/pixels"], VALUES[f"{name}/{part}/sums"]
            assert pixels.dtype == wanted.dtype
            bound = tolerance(arguments)
            if pixels.dtype == np.uint8:
                apart = np.abs(pixels.astype(int) - wanted.astype(int))
                assert apart.mean() < 1, part
                np.testing.assert_allclose(sums, wanted_sums, rtol=bound, err_msg=part)
                continue
            largest = float(np.abs(wanted).max())
            np.testing.assert_allclose(pixels, wanted, rtol=0, atol=bound * largest, err_msg=part)
            close = bound * wanted_sums[1]
            np.testing.assert_allclose(sums, wanted_sums, rtol=0, atol=close, err_msg=part)
