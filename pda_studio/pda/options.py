"""What can be chosen in prediction difference analysis, by name, without loading the engine."""

from dataclasses import dataclass
from typing import Literal

Difference = Literal["log-odds", "probability", "logit"]
UNITS: dict[Difference, str] = {"log-odds": "bits", "probability": "probability", "logit": "logit"}

ForwardName = Literal["auto", "full", "incremental", "linearised"]
Precision = Literal["auto", "float32", "bfloat16-delta"]

INPUT, AUTO = "input", "auto"
"""Where a linearised forward begins, instead of at a named layer."""

Colour = Literal["joint", "independent"]

InfillName = Literal[
    "conditional-samples",
    "conditional-mean",
    "conditional-empirical-mean",
    "marginal-samples",
    "marginal-mean",
    "marginal-empirical-mean",
    "grey",
    "blur",
    "inpaint-telea",
    "inpaint-navier-stokes",
]


@dataclass(frozen=True)
class InfillTraits:
    """Which parameters an infill heeds."""

    gaussian: bool
    conditional: bool
    drawn: bool


def traits(name: InfillName) -> InfillTraits:
    """Tell which parameters an infill heeds: the window sliders show only those."""
    law, _, draw = name.partition("-")
    gaussian = law in ("conditional", "marginal")
    return InfillTraits(gaussian, law == "conditional", gaussian and draw != "mean")
