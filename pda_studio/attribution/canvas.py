"""What activation maximisation works on: the pixels themselves, or a generator's code."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

import torch

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.generator import Generator
from pda_studio.classifiers.own_generator import OwnGenerator
from pda_studio.errors import UsageError

_NOISE = 0.3  # standard deviation of a start from noise, in those of the pixels
_FITTING_STEPS = 200


class Canvas(Protocol):
    """Values that are changed until the target is strongest, and how they become an image."""

    @abstractmethod
    def noise(self, random: torch.Generator) -> torch.Tensor:
        """Values (1, …) to start from."""

    @abstractmethod
    def of(self, prepared: torch.Tensor) -> torch.Tensor:
        """Values (1, …) that give a prepared image (1, C, H, W), or nearly so."""

    @abstractmethod
    def prepared(self, values: torch.Tensor) -> torch.Tensor:
        """The image (1, C, H, W) as the network takes it; gradients pass."""

    @abstractmethod
    def kept_within(self, values: torch.Tensor, gradient: torch.Tensor, done: int) -> torch.Tensor:
        """Values after a step, the `done`th, held to what an image may be."""


@dataclass(frozen=True)
class Pixels:
    """The pixels, normalised, with the regularisers of Yosinski et al.

    Attributes
    ----------
    classifier : Classifier
        Whose input they are.
    blur_every : int
        Steps from one Gaussian blur to the next; 0 for none.
    blur_width : float
        Its standard deviation, in pixels.
    clip_norm, clip_contribution : float
        Percentage of pixels, those of the smallest norm or contribution, that are set to the mean
        colour, which is 0.
    """

    classifier: Classifier
    blur_every: int = 0
    blur_width: float = 1.0
    clip_norm: float = 0.0
    clip_contribution: float = 0.0

    def noise(self, random: torch.Generator) -> torch.Tensor:
        """Normally distributed around the mean colour."""
        values = _NOISE * torch.randn(
            1, *self.classifier.preprocessing.input_shape, generator=random
        )
        return self._in_range(values.to(self.classifier.device))

    def of(self, prepared: torch.Tensor) -> torch.Tensor:
        """The image itself."""
        return prepared

    def prepared(self, values: torch.Tensor) -> torch.Tensor:
        """The values themselves."""
        return values

    def kept_within(self, values: torch.Tensor, gradient: torch.Tensor, done: int) -> torch.Tensor:
        """Blur, clip, and keep to the range that pixels have."""
        if self.blur_every and self.blur_width and done % self.blur_every == 0:
            from torchvision.transforms.functional import gaussian_blur

            side = 2 * max(1, round(3 * self.blur_width)) + 1
            values = gaussian_blur(values, [side, side], [self.blur_width, self.blur_width])
        values = _without_smallest(values, values.norm(dim=1, keepdim=True), self.clip_norm)
        contribution = (values * gradient).sum(1, keepdim=True).abs()  # of a pixel, to first order
        values = _without_smallest(values, contribution, self.clip_contribution)
        return self._in_range(values)

    def _in_range(self, values: torch.Tensor) -> torch.Tensor:
        ends = torch.tensor([0.0, 1.0], device=values.device)[:, None, None, None]
        black, white = self.classifier.preprocessing.normalise(
            ends.expand(2, values.shape[1], 1, 1)
        )
        return values.clamp(black, white).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Code:
    """The code of a generator: whatever it is, the image is like those the generator learnt.

    Attributes
    ----------
    classifier : Classifier
        What the images are shown to.
    generator : Generator or OwnGenerator
        On the classifier's device.

    Raises
    ------
    UsageError
        If the generator's images are of another size than the classifier's.
    """

    classifier: Classifier
    generator: Generator | OwnGenerator

    def __post_init__(self) -> None:
        size = self.generator.size
        made = (size, size) if isinstance(size, int) else size, self.generator.channels
        taken = self.classifier.input_size, self.classifier.preprocessing.channels
        if made != taken:
            raise UsageError(
                f"The generator makes {_images(*made)}, but {self.classifier.name} takes"
                f" {_images(*taken)}: choose a generator of such."
            )

    @property
    def _shape(self) -> tuple[int, ...]:
        """Of a code, without the batch."""
        code = self.generator.code
        return (code,) if isinstance(code, int) else code

    def noise(self, random: torch.Generator) -> torch.Tensor:
        """Normally distributed, as the codes of images are."""
        return torch.randn(1, *self._shape, generator=random).to(self.classifier.device)

    def of(self, prepared: torch.Tensor) -> torch.Tensor:
        """The code whose image is nearest to the given one, found by gradient descent."""
        code = torch.zeros(1, *self._shape, device=prepared.device, requires_grad=True)
        optimizer = torch.optim.Adam([code], lr=0.1)
        for _ in range(_FITTING_STEPS):
            optimizer.zero_grad()
            (self.prepared(code) - prepared).square().mean().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return code.detach()

    def prepared(self, values: torch.Tensor) -> torch.Tensor:
        """What the generator makes of the code."""
        return self.classifier.prepare(self.generator(values))

    def kept_within(self, values: torch.Tensor, gradient: torch.Tensor, done: int) -> torch.Tensor:
        """The code itself: the generator sees to it that the image is one."""
        return values


def _without_smallest(values: torch.Tensor, sizes: torch.Tensor, percentage: float) -> torch.Tensor:
    """Set the pixels of the smallest sizes (1, 1, H, W) to 0."""
    if not percentage:
        return values
    limit = torch.quantile(sizes.flatten(), percentage / 100)
    return values * (sizes >= limit)


def _images(size: tuple[int, int], channels: int) -> str:
    height, width = size
    return f"{'grey' if channels == 1 else 'colour'} images of {width}×{height} pixels"
