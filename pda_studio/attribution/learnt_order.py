"""An order of an image's cells, learnt by gradients: which to show first, and which to hide first.

Whoever shows only the share q of an image that speaks most for the target should see its score
rise soon as q grows; whoever hides just that share should see it fall soon. For values v of the
cells, the mask m_q shows softly those above the 1 − q quantile of v, and over all q

    J(v) = E_q [f(b + m_q (x − b)) − f(x − m_q (x − b))]

is the area between both curves, where x is the image, b the same image blurred and f the
target's probability. J is raised by gradient ascent on v: all cells learn from every image, so
few are needed. A mask that is good for one share or one blur alone would be fitted to the
network's weak points (Fong & Vedaldi, ICCV 2017); so shares and blurs vary, noise is added to v,
and v is smooth.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch.nn.functional import interpolate

from pda_studio.classifiers.derivable import differentiable
from pda_studio.methods.consensus import IMAGES
from pda_studio.pda.infill.simple import blurred
from pda_studio.results import Subject

_MOST_CELLS = 28  # along each side: of 8 pixels in an image of 224
_SMALLEST_CELL = 2  # pixels
_BLURS = (5 / 224, 10 / 224, 20 / 224)  # standard deviations, as shares of the image's side
_SHARES = IMAGES // 2  # tried in each round

_SHARES_AT_ONCE = 2  # each is two images; more are hardly faster, and stopping would lag
_SMOOTH = 1.0  # standard deviation, in cells
_NOISE = 0.3  # standard deviation of the noise, in standard deviations of v
_SOFTNESS = 0.3  # width of a mask's edge, likewise
_STEP = 0.3
_INERTIA = 0.9


class LearntOrder:
    """Values of cells whose order shows and hides a target soon.

    They begin at 0 and are moved by what a cell adds where it is shown and takes away where it is
    hidden: positive ones speak for the target, negative ones against.

    Parameters
    ----------
    subject : Subject
        Of a hidden unit, f is its activation.
    rounds : int
        Steps of the ascent; eight images go through the network and back in each.
    seed : int
        The same seed draws the same shares and noise.
    """

    def __init__(self, subject: Subject, rounds: int, seed: int) -> None:
        self._subject = subject
        self._rounds = rounds
        self._random = np.random.default_rng(seed)
        height, width = subject.view.shape[:2]
        cells = [max(1, min(_MOST_CELLS, side // _SMALLEST_CELL)) for side in (height, width)]
        self._values = np.zeros(cells)
        pixels = subject.scored.preprocessing.pixels(subject.view)
        self._pixels = pixels.to(subject.scored.device)
        self._blurred = [
            blurred(pixels, share * width).to(subject.scored.device) for share in _BLURS
        ]
        self._at_once = _SHARES_AT_ONCE
        if subject.batch is not None:
            self._at_once = max(1, min(_SHARES, subject.batch // 2))

    @property
    def passes(self) -> int:
        """How many times images go through the network and back."""
        return self._rounds * -(-_SHARES // self._at_once)

    def evidence(self) -> NDArray[np.float64]:
        """The values as they are now, in pixels (H, W)."""
        values = torch.from_numpy(self._smoothed(self._values))[None, None]
        size = self._subject.view.shape[:2]
        large = interpolate(values, size, mode="bilinear", align_corners=False)
        found: NDArray[np.float64] = large[0, 0].numpy()
        return found

    def learn(self) -> Iterator[None]:
        """Do the work; yields after each pass."""
        speed = np.zeros_like(self._values)
        for done in range(self._rounds):
            # One share of each quarter, so that no round sees the image only bare or covered.
            shares = (np.arange(_SHARES) + self._random.random(_SHARES)) / _SHARES
            values, deviation = self._with_noise()
            behind = self._blurred[done % len(self._blurred)]
            slopes = np.zeros_like(values)
            for first in range(0, _SHARES, self._at_once):
                here = slice(first, first + self._at_once)
                slopes[here] = self._slopes(values[here], shares[here], deviation, behind)
                if first + self._at_once < _SHARES:
                    yield
            slope = self._smoothed(slopes.sum(0))
            size = np.sqrt(np.mean(slope**2))
            if size > 0:
                speed = _INERTIA * speed + (1 - _INERTIA) * slope / size
            self._values += _STEP * (1 - done / self._rounds) * speed
            yield

    def _with_noise(self) -> tuple[NDArray[np.float64], float]:
        """Values with noise (n, h, w), of which the first round has nothing else, and their scale.

        The scale is the standard deviation without noise, from the second round on.
        """
        drawn = self._random.standard_normal((_SHARES, *self._values.shape))
        noise = np.stack([self._smoothed(one) for one in drawn])
        noise /= noise.std()
        values = self._smoothed(self._values)
        deviation = float(values.std())
        if deviation == 0:
            return noise, 1.0
        return values + _NOISE * deviation * noise, deviation

    def _slopes(
        self,
        values: NDArray[np.float64],
        shares: NDArray[np.float64],
        deviation: float,
        behind: torch.Tensor,
    ) -> NDArray[np.float64]:
        """How much the score gains by each value (n, h, w), for one share each."""
        classifier = self._subject.scored
        limits = [np.quantile(one, 1 - share) for one, share in zip(values, shares, strict=True)]
        above = (values - np.array(limits)[:, None, None]) / (_SOFTNESS * deviation)
        with differentiable():
            given = torch.tensor(above, dtype=torch.float32, device=self._pixels.device)
            given.requires_grad_()
            masks = interpolate(given.sigmoid()[:, None], self._pixels.shape[1:], mode="nearest")
            change = masks * (self._pixels - behind)
            images = torch.cat([behind + change, self._pixels - change])
            scores = self._scores(classifier.network(classifier.prepare(images)))
            shown, hidden = scores[: len(values)], scores[len(values) :]
            (slopes,) = torch.autograd.grad((shown - hidden).sum(), given)
        found: NDArray[np.float64] = slopes.double().cpu().numpy() / (_SOFTNESS * deviation)
        return found

    def _scores(self, logits: torch.Tensor) -> torch.Tensor:
        """The target's scores (N,): an activation as it is, a class's as its probability."""
        if self._subject.scored.has_probabilities:
            logits = logits.softmax(1)
        return logits[:, self._subject.index]

    @staticmethod
    def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        smooth: NDArray[np.float64] = gaussian_filter(values, _SMOOTH, mode="nearest")
        return smooth
