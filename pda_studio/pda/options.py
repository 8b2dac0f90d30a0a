"""What can be chosen in prediction difference analysis, by name, without loading the engine."""

from typing import Literal

Difference = Literal["log-odds", "probability", "logit"]
UNITS: dict[Difference, str] = {"log-odds": "bits", "probability": "probability", "logit": "logit"}

ForwardName = Literal["auto", "full", "incremental", "linearised", "levelled"]
Precision = Literal["auto", "float32", "bfloat16-delta"]

REPEATABLE: dict[str, str] = {"forward": "incremental", "precision": "float32"}
"""What no clock decides: the same maps to the last digit, whatever a probe of speeds says."""

INPUT, AUTO = "input", "auto"
"""Where a linearised forward begins, instead of at a named layer."""

Colour = Literal["joint", "independent"]
"""Whether colour channels are conditioned on one another."""
