"""How an image becomes the square input of a network."""

from typing import Literal

Fit = Literal["crop", "stretch", "pad"]
"""Its middle; all of it, stretched to a square; or all of it, with black beside it."""
