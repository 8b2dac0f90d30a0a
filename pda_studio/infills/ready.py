"""An infill with its parameters, and the files that they name, for the images of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pda_studio.infills.base import Infill, InfillSettings
from pda_studio.infills.regions import region_infill
from pda_studio.pda.infill.terms import Size
from pda_studio.pda.options import Colour

if TYPE_CHECKING:
    import torch

    from pda_studio.classifiers import Classifier
    from pda_studio.pda.infill.base import Filler


@dataclass(frozen=True, eq=False)
class ReadyInfill:
    """An infill that can fill any image of a classifier.

    Attributes
    ----------
    infill : Infill
        Its declaration.
    settings : InfillSettings
        Its parameters.
    """

    infill: Infill
    settings: InfillSettings

    @property
    def samples(self) -> int:
        """How many infills each rectangle gets."""
        return self.infill.count(self.settings.samples)

    def filler(self, pixels: torch.Tensor, size: Size) -> Filler:
        """Get ready to fill rectangles of this height and width in pixels (C, H, W) in [0, 1]."""
        return self.infill.filler(pixels, size, self.settings)


def ready_infill(
    infill: Infill,
    classifier: Classifier,
    *,
    outer: int,
    samples: int = 1,
    colour: Colour = "joint",
    seed: int = 0,
    statistics: Path | None = None,
    reference: Path | None = None,
) -> ReadyInfill:
    """Load what an infill takes: statistics, and the images of a reference folder.

    Parameters
    ----------
    infill : Infill
        Its declaration.
    classifier : Classifier
        Whose images are filled.
    outer, samples, colour, seed
        As `InfillSettings` has them.
    statistics : Path, optional
        A file that fit-statistics wrote; the shipped ones for such images if not given.
    reference : Path, optional
        A folder of images.

    Raises
    ------
    PdaStudioError
        If a file or folder is missing or damaged.
    """
    from pda_studio.pda.infill.folders import load_references
    from pda_studio.pda.infill.statistics import load_statistics, shipped_statistics

    loaded = references = None
    if "statistics" in infill.takes:
        loaded = (
            shipped_statistics(shipped_for(classifier))
            if statistics is None
            else load_statistics(statistics)
        )
    if "reference" in infill.takes and reference is not None:
        references = load_references(reference, classifier.preprocessing, seed)
    return ReadyInfill(infill, InfillSettings(outer, samples, colour, seed, loaded, references))


def shipped_for(classifier: Classifier) -> str:
    """Name of the shipped statistics that suit a classifier best."""
    name = classifier.settings.statistics
    return "grey" if name == "natural" and classifier.preprocessing.channels == 1 else name


def ready_for_region(name: str, classifier: Classifier, size: Size) -> ReadyInfill:
    """The infill of a region of this height and width; `name` is one of `region_infills`.

    Raises
    ------
    UsageError
        If there is no such infill.
    """
    from pda_studio.pda.infill.statistics import shipped_statistics

    settings = classifier.settings
    largest = shipped_statistics(shipped_for(classifier)).largest_patch
    infill, outer = region_infill(name, size, classifier.input_size, settings.distribution, largest)
    return ready_infill(infill, classifier, outer=outer, samples=10)
