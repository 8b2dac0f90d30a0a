"""What suits a classifier: windows, distribution and statistics."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class PdaSettings(BaseModel):
    """The settings of prediction difference analysis that suit a classifier.

    Attributes
    ----------
    window, outer : int
        Side k of the removed window and l of the patch around it, in input pixels.
    distribution : {"conditional", "marginal"}
        Which distribution of pixels suits its images best: given a window's surroundings, or not.
    statistics : str
        Name of the shipped statistics that describe such images.
    """

    model_config = ConfigDict(frozen=True)

    window: int = 10
    outer: int = 18
    distribution: Literal["conditional", "marginal"] = "conditional"
    statistics: Literal["natural", "digits"] = "natural"
