"""An infill of one's own: one declared class, and everything else finds it."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pda_studio import explain
from pda_studio.attribution import prediction_difference
from pda_studio.classifiers import Classifier
from pda_studio.errors import UsageError
from pda_studio.infills import INFILLS, Infill, InfillSettings, infill_named
from pda_studio.infills.ready import ready_for_region
from pda_studio.inspection import Rectangle, remove
from pda_studio.methods import method_named
from pda_studio.pda.infill.base import Filler, generator
from pda_studio.results import Subject


class SpeckleFiller(Filler):
    stochastic = True

    def __init__(self, channels: int, size: tuple[int, int], seed: int) -> None:
        self._shape, self._seed = (1, channels, *size), seed

    def fill(self, corners: NDArray[np.int64], repetition: int = 0) -> torch.Tensor:
        values = [
            generator(self._seed, corner, repetition).random(self._shape, np.float32)
            for corner in corners.tolist()
        ]
        return torch.from_numpy(np.stack(values))


@pytest.fixture(autouse=True)
def speckle() -> Iterator[Infill]:
    class Speckle(Infill):
        name = "speckle"  # nothing in it says that it is stochastic
        title = "Speckle"
        help = "White noise."
        stochastic = True
        takes = frozenset({"seed"})

        def filler(
            self, pixels: torch.Tensor, size: tuple[int, int], settings: InfillSettings
        ) -> Filler:
            return SpeckleFiller(len(pixels), size, settings.seed)

    yield INFILLS["speckle"]
    del INFILLS["speckle"]


@pytest.mark.parametrize("method", ["efficient-pda", "consensus"])
def test_the_cache_keeps_two_seeds_apart(
    method: str,
    digits: Classifier,
    digit_image: Callable[[int], NDArray[np.uint8]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"infill": "speckle"} | (
        {"rounds": 0} if method == "consensus" else {"stride": 4, "precision": "float32"}
    )

    def made(seed: int) -> NDArray[np.float32]:
        return explain(digit_image(5), digits, method, cache=True, seed=seed, **options).evidence

    first, second = made(1), made(2)
    assert np.abs(first - second).max() > 0.05

    def never(*_: object) -> None:
        raise AssertionError("both are found again")

    monkeypatch.setattr(prediction_difference, "score_windows", never)
    assert np.array_equal(made(1), first)
    assert np.array_equal(made(2), second)


def test_methods_show_what_it_takes() -> None:
    kind = method_named("efficient-pda")
    (parameter,) = [one for one in kind.parameters() if one.name == "infill"]
    assert parameter.kind == "choice"
    assert "speckle" in parameter.choices
    unused = kind(infill="speckle").inactive()
    assert "seed" not in unused
    assert {"outer", "samples", "colour", "statistics", "reference"} <= unused


def test_each_map_has_a_standard_error(
    digits: Classifier, digit_image: Callable[[int], NDArray[np.uint8]]
) -> None:
    found = explain(digit_image(5), digits, stride=4, infill="speckle")
    assert found.standard_error is not None
    assert found.standard_error.max() > 0


def test_it_fills_regions(
    digits: Classifier, digit_image: Callable[[int], NDArray[np.uint8]]
) -> None:
    subject, rectangle = Subject.of(digit_image(5), digits), Rectangle(4, 6, 9, 13)
    removal = remove(subject, rectangle, ready_for_region("speckle", digits, (9, 13)))
    assert removal.kind == "speckle"
    assert len(np.unique(removal.infills)) > 60


def test_unknown_names_are_refused_in_a_sentence(digits: Classifier) -> None:
    with pytest.raises(UsageError, match=r"infill must be one of .*, speckle, not 'sparkle'\."):
        method_named("efficient-pda").create(digits, infill="sparkle")
    with pytest.raises(UsageError, match=r"no infill “sparkle”: choose one of .*, speckle\."):
        infill_named("sparkle")


def test_a_stochastic_infill_takes_a_seed() -> None:
    with pytest.raises(TypeError, match="takes a seed"):
        type("Seedless", (Infill,), {"name": "seedless", "stochastic": True})
    with pytest.raises(TypeError, match="which no method has"):
        type("Odd", (Infill,), {"name": "odd", "takes": frozenset({"weather"})})
    assert not {"seedless", "odd"} & set(INFILLS)
