"""Which infill fills a region that somebody has chosen by hand."""

from pda_studio.errors import UsageError
from pda_studio.infills.base import INFILLS, Distribution, Infill
from pda_studio.pda.infill.terms import Size

AUTO = "auto"

_MARGIN = 8  # pixels that the patch of a conditional distribution is larger than the region
_LARGEST_PATCH = 24  # side whose covariance is factored within a twentieth of a second


def region_infills() -> tuple[str, ...]:
    """Names of what can fill a region: a choice made for it, or any infill."""
    return (AUTO, *INFILLS)


def region_infill(
    name: str, size: Size, image: Size, distribution: Distribution, largest_patch: int
) -> tuple[Infill, int]:
    """The infill of a region, and the side of the outer patch that it is conditioned on.

    `auto` takes the conditional mean where the region and its surroundings are small enough for
    it, as it knows most; else inpainting, which carries the surroundings inwards. For classifiers
    whose images have a distribution of their own at every place (a marginal one is preferred), it
    takes the mean of that, for any size. Grey is what is left where nothing surrounds a region.

    Parameters
    ----------
    name : str
        One of `region_infills`.
    size, image : (int, int)
        Height and width of the region and of the image, in pixels.
    distribution : {"conditional", "marginal"}
        What the classifier's images are best described by.
    largest_patch : int
        Side of the largest patch that the statistics describe, in pixels.

    Raises
    ------
    UsageError
        If there is no such infill.
    """
    if name not in region_infills():
        raise UsageError(
            f"There is no infill “{name}” for regions: choose one of {', '.join(region_infills())}."
        )
    side, room = max(size), min(largest_patch, *image)
    chosen = _automatic(side, room, distribution) if name == AUTO else INFILLS[name]
    if chosen.needs_surroundings and size == image:
        chosen = INFILLS["grey"]
    return chosen, min(side + _MARGIN, max(room, side + 1))


def _automatic(side: int, room: int, distribution: Distribution) -> Infill:
    mean = INFILLS["conditional-mean"].under(distribution)
    needed = side + _MARGIN if mean.conditional else side
    largest = min(_LARGEST_PATCH, room) if mean.conditional else room
    if needed <= largest:
        return mean
    if not mean.conditional:  # too large for the place's own distribution, as by a wider one
        return _automatic(side, room, "conditional")
    return INFILLS["inpaint-telea"]
