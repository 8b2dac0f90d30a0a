"""Consensus: the mean of three maps that look at a decision from different perspectives.

Zhou & Kainz close with it: the results of different perspectives can be combined. Which ones are
worth it was chosen by their symmetric relevance gain (`pda_studio.studies.relevance_gain`).
"""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, ClassVar

from numpy.typing import NDArray

from pda_studio.errors import UsageError
from pda_studio.methods.base import Family, Method, Progress, parameter, run, same_but
from pda_studio.methods.combining import UNIT, mean_and_spread
from pda_studio.methods.evidence import EvidenceMap, Subject
from pda_studio.methods.grad_cam import GradCam
from pda_studio.methods.learnt_order import IMAGES, LearntOrder
from pda_studio.methods.prediction_difference import (
    EfficientPDA,
    PredictionDifference,
    outer_around,
)
from pda_studio.pda.infill import InfillName, traits

_BACK = 3  # a pass forwards and back costs about as much as three forwards


class Consensus(Method):
    """The mean of the standardised maps of Grad-CAM, PDA with large windows, and a learnt order.

    Grad-CAM tells which places of the last maps count, PDA what happens without a part of the
    image, and the learnt order which parts together show and hide the target soonest. They are
    wrong in different ways: where they agree, `standard_error` is small.
    """

    name: ClassVar[str] = "consensus"
    title: ClassVar[str] = "Consensus"
    family: ClassVar[Family] = "Several methods"
    summary: ClassVar[str] = (
        "The recommended combination: the mean of PDA with large windows, Grad-CAM, and an order of"
        " 8×8 blocks, learnt by gradients, that shows and hides the class soonest, each divided by"
        " its root mean square."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, outlook; Selvaraju et al., Grad-CAM, ICCV"
        " 2017; the learnt order after Fong & Vedaldi, Meaningful perturbation, ICCV 2017"
    )

    across: int = parameter(
        7,
        "Windows across",
        "How many of PDA's windows fit across the image: 7 of 32 pixels into 224. They overlap by"
        " half.",
        ge=2,
        le=28,
    )
    infill: InfillName = same_but(PredictionDifference, "infill", "blur")
    rounds: int = parameter(
        12,
        "Rounds",
        "How many steps the order is learnt in; eight images go through the network and back in"
        " each. With 0, it is left out.",
        ge=0,
        le=1000,
    )
    seed: int = parameter(0, "Seed", "The same seed learns the same order.", ge=0, le=2**32 - 1)

    def unheeded(self) -> frozenset[str]:
        """The seed, where nothing is left to chance."""
        drawn = self.rounds > 0 or traits(self.infill).drawn
        return frozenset() if drawn else frozenset({"seed"})

    def cost(self, subject: Subject) -> int:
        """Number of infilled images, and what the order's passes forwards and back are worth."""
        return self._pda(subject).cost(subject) + _BACK * IMAGES * self.rounds

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """Grad-CAM, which is quick, then PDA's windows, then the order's passes."""
        began = perf_counter()
        pda = self._pda(subject)
        images, total = pda.cost(subject), self.cost(subject)
        finished: list[NDArray[Any]] = []
        names = []
        try:
            finished.append(run(GradCam().steps(subject)).evidence)
            names.append("Grad-CAM")
        except UsageError:  # a network without maps, such as a transformer
            pass

        def together(*latest: NDArray[Any], done: int) -> EvidenceMap:
            seconds = perf_counter() - began
            return self._together(subject, [*finished, *latest], names, seconds, done == total)

        step = None
        for step in pda.steps(subject):
            done = images * step.done // step.total
            if step.done < step.total:
                yield Progress(
                    done,
                    total,
                    lambda step=step, done=done: together(step.evidence().evidence, done=done),  # type: ignore[misc]
                )
        assert step is not None, "an image has windows"
        finished.append(step.evidence().evidence)
        names.append(f"PDA with windows of {pda.window} pixels")
        yield Progress(images, total, lambda: together(done=images))
        if not self.rounds:
            return
        order = LearntOrder(subject, self.rounds, self.seed)
        names.append("a learnt order")
        for passed, _ in enumerate(order.learn(), 1):
            done = images + (total - images) * passed // order.passes
            yield Progress(done, total, lambda done=done: together(order.evidence(), done=done))  # type: ignore[misc]

    def _pda(self, subject: Subject) -> EfficientPDA:
        side = min(subject.view.shape[:2])
        window = max(1, side // self.across)
        outer = outer_around(window, side)
        if traits(self.infill).conditional and outer <= window:
            raise UsageError(
                f"The infill {self.infill} has no room around windows of {window} pixels: choose"
                " more windows across, or another infill."
            )
        return EfficientPDA(
            window=window,
            outer=outer,
            stride=max(1, window // 2),
            infill=self.infill,
            seed=self.seed,
            forward="full",  # windows this large change nearly all of every layer
        )

    def _together(
        self,
        subject: Subject,
        maps: list[NDArray[Any]],
        names: list[str],
        seconds: float,
        complete: bool,
    ) -> EvidenceMap:
        evidence, spread = mean_and_spread(maps)
        absent = "" if "Grad-CAM" in names else "; Grad-CAM is left out: it finds no maps here"
        return self.map_of(
            subject,
            evidence,
            UNIT,
            seconds,
            standard_error=spread,
            complete=complete,
            forward=f"mean of {', '.join(names)}{absent}",
        )
