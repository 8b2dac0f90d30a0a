"""From an image to the model input: what of the image a network gets."""

from typing import Literal, NamedTuple, Self

from pda_studio.errors import UsageError

Fit = Literal["crop", "stretch", "pad", "full"]
"""A rectangle of it, the middle unless another is named; all of it, stretched to the input's
aspect; all of it, with black beside it; or all of it at its own resolution."""


class CropBox(NamedTuple):
    """The rectangle of an image that becomes the model input, in whole pixels of the image.

    Attributes
    ----------
    left, top : int
        Its upper left corner.
    width, height : int
        Its size.
    """

    left: int
    top: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} × {self.height} at ({self.left}, {self.top})"

    def check(self, image: tuple[int, int], model_input: tuple[int, int]) -> None:
        """Refuse what lies outside an image or has another aspect than the model input.

        Parameters
        ----------
        image, model_input : (int, int)
            Height and width, in pixels.

        Raises
        ------
        UsageError
            If it does.
        """
        height, width = image
        inside = self.left >= 0 and self.top >= 0 and min(self.width, self.height) >= 1
        if not inside or self.left + self.width > width or self.top + self.height > height:
            raise UsageError(
                f"The crop of {self} does not lie within the image of {width} × {height} pixels:"
                " name another."
            )
        down, across = model_input
        if abs(self.height - self.width * down / across) >= 1:
            other = max(1, round(self.width * down / across))
            raise UsageError(
                f"The crop of {self.width} × {self.height} pixels has another aspect than the model"
                f" input of {across} × {down}: take {self.width} × {other}, or fit stretch or pad."
            )

    @classmethod
    def around(
        cls,
        centre: tuple[float, float],
        size: tuple[float, float],
        model_input: tuple[int, int],
        image: tuple[int, int],
    ) -> Self:
        """The crop of the input's aspect that holds a drawn frame, as far as the image has room.

        Parameters
        ----------
        centre : (float, float)
            Of the frame, x and y in pixels of the image.
        size, model_input : (float, float)
            Height and width of the frame and of the model input, in pixels.
        image : (int, int)
            Width and height of the image, in pixels.
        """
        (height, width), (down, across), (most_across, most_down) = size, model_input, image
        widest = min(most_across, int(most_down * across / down))
        wide = max(1, min(round(max(width, height * across / down)), widest))
        high = min(max(1, round(wide * down / across)), most_down)
        x, y = centre
        return cls(round(x - wide / 2), round(y - high / 2), wide, high).within(*image)

    def within(self, width: int, height: int) -> Self:
        """The same rectangle, shifted into an image of this size, where it has room for it."""
        left = min(max(self.left, 0), max(width - self.width, 0))
        top = min(max(self.top, 0), max(height - self.height, 0))
        return self._replace(left=left, top=top)


def fit_in_words(fit: Fit, crop: CropBox | None) -> str:
    """What of the image a network got, as captions tell it; "" for the middle."""
    if fit == "crop":
        return "" if crop is None else f"crop of {crop}"
    return {
        "stretch": "whole image, stretched",
        "pad": "whole image, padded",
        "full": "whole image at full resolution",
    }[fit]
