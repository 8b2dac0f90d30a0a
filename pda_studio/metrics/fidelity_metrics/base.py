"""What a metric of maps is: a declaration that says what it asks for, and measures maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:  # the work loads PyTorch, which takes seconds: declarations are there before
    from pda_studio.metrics.case import Case
    from pda_studio.results import EvidenceMap, Subject

FIDELITY_METRICS: dict[str, FidelityMetric] = {}
"""Every metric by its name, in the order in which the modules declare them."""

Subjects = Literal["image", "perturbed", "grid", "disconnected"]
"""What maps a metric needs: of an image; of it with noise as well; of each class of a grid of
images; of each class of a grid whose network sees that class's cell alone."""


@dataclass(frozen=True)
class MetricSettings:
    """What a study tells its metrics; each looks at what it needs.

    Attributes
    ----------
    order : {"blocks", "superpixels"}
        What parts of an image are.
    parts : int
        About how many there are.
    fill : str
        What is there where a part is not.
    sigma : float
        Standard deviation of the fill “blur”, in pixels.
    steps : int
        In how many steps parts are put in and taken out.
    share : float
        How much of an image is kept, where the likeliest classes are compared.
    top : int
        How many of the likeliest classes are compared.
    samples : int
        How many images with noise.
    radius : float
        The most noise, of the range of pixels.
    cells : int
        Along a side of a grid.
    seed : int
        Of everything that is drawn.
    """

    order: Literal["blocks", "superpixels"] = "superpixels"
    parts: int = 100
    fill: str = "blur"
    sigma: float = 10.0
    steps: int = 28
    share: float = 0.3
    top: int = 5
    samples: int = 5
    radius: float = 0.02
    cells: int = 2
    seed: int = 0


class FidelityMetric(ABC):
    """A number that says how good a method's map of an image is.

    A subclass with a `name` enters the registry by being defined; the study of fidelity finds it
    there.

    Attributes
    ----------
    name, title, summary, citation : str
        Name in the registry, name for people, what it measures in a few words, and where it was
        published.
    higher_is_better : bool
        Whether the better map has the higher value.
    subjects : {"image", "perturbed", "grid", "disconnected"}
        What maps it needs.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    citation: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True
    subjects: ClassVar[Subjects] = "image"

    def __init_subclass__(cls) -> None:
        if cls.name:
            FIDELITY_METRICS[cls.name] = cls()

    def images(self, settings: MetricSettings) -> int:
        """How many images, of different classes, make one case to be measured."""
        return 1

    def maps(self, settings: MetricSettings) -> int:
        """How many maps a case takes."""
        return 1

    def asked(self, given: Sequence[Subject], settings: MetricSettings) -> list[Subject]:
        """What is to be explained of a case; one image by itself, if nothing else is said."""
        return list(given)

    def at_random(self, settings: MetricSettings) -> float | None:
        """What a map at random has on average, where that is known beforehand."""
        return None

    @abstractmethod
    def measure(self, maps: Sequence[EvidenceMap], case: Case) -> float:
        """Measure a method's maps of what was asked.

        Parameters
        ----------
        maps : sequence of EvidenceMap
            One of each subject that was asked, in that order.
        case : Case
            The subjects, the settings, and what was measured of them before.

        Raises
        ------
        UsageError
            If these maps cannot be measured.
        """
