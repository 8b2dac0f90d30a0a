"""What all variants of prediction difference analysis share: their parameters and rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, get_args

from pydantic import model_validator

from pda_studio.diagnostics import approximation
from pda_studio.infills import INFILLS
from pda_studio.infills.base import Taken
from pda_studio.infills.effort import Windows
from pda_studio.methods.base import Bounds, Family, Method, Progress
from pda_studio.parameters import OneOf, parameter
from pda_studio.pda.options import AUTO, Colour, Difference, ForwardName, Precision
from pda_studio.targets import ClassTarget

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pda_studio.classifiers import Classifier
    from pda_studio.results import EvidenceMap, Result, Subject

InfillName = Annotated[str, OneOf(INFILLS)]
"""Name of a declared infill."""

_MARGIN = 8  # pixels that an outer patch is larger than its window, where nothing else is said
_LARGEST_OUTER = 64
_SMALL_INPUT = 64  # pixels: the window starts at stride 1 up to here
_USUAL = 0.05  # tolerance
_FINER = (_USUAL, 0.02)  # tolerances that are offered one after the other, and then the exact map
_LEVELLED = 0.35  # of the exact map's work, at that tolerance
_PREVIEW_STRIDE = 8  # pixels: fewer windows tell too little, more take too long


class PredictionDifference(Method):
    """Remove a window, put in what its surroundings make likely, see how the scores change.

    Evidence of a pixel is the mean difference over all windows that cover it.
    """

    family: ClassVar[Family] = "Prediction difference analysis"

    window: int = parameter(
        10,
        "Window",
        "Side k of the window that is removed.",
        unit="pixels",
        symbol="k",
        ge=1,
        le=128,
        group="Window and infill",
    )
    outer: int = parameter(
        18,
        "Outer patch",
        "Side l of the patch around it that its infill is conditioned on; at least k + 1.",
        unit="pixels",
        symbol="l",
        ge=2,
        le=_LARGEST_OUTER,
        group="Window and infill",
    )
    stride: int = parameter(
        1,
        "Stride",
        "Step from window to window; at most k, so that every pixel is covered.",
        unit="pixels",
        symbol="stride",
        ge=1,
        le=128,
        group="Window and infill",
    )
    samples: int = parameter(
        10,
        "Samples",
        "How many samples S of a stochastic infill each window gets.",
        unit="infills",
        symbol="S",
        ge=1,
        le=1000,
        group="Sampling",
    )
    infill: InfillName = parameter(
        "conditional-mean",
        "Infill",
        "What replaces a window that is removed.",
        group="Window and infill",
    )
    colour: Colour = parameter(
        "joint",
        "Colour",
        "Whether the infill conditions the colour channels on one another (joint) or takes each"
        " for itself (independent).",
        group="Window and infill",
    )
    difference: Difference = parameter(
        "log-odds",
        "Difference",
        "What is compared with and without the window: log-odds in bits, the probability, or the"
        " logit before the softmax.",
        symbol="",
        group="Score difference",
    )
    forward: ForwardName = parameter(
        "auto",
        "Forward",
        "How infilled images are scored: by the whole network (full); just as exactly by what a"
        " window changes in each layer (incremental); by the faster of the two (auto); to first"
        " order (linearised); or to first order with exact scores of a few windows in between, as"
        " many as the tolerance asks (levelled).",
        group="Forward",
    )
    tolerance: float = parameter(
        _USUAL,
        "Tolerance",
        "How far a levelled map may be from the exact one: the rms error over the rms evidence; 0"
        " for the exact map.",
        symbol="tolerance",
        step=0.01,
        ge=0,
        le=0.5,
        group="Forward",
    )
    precision: Precision = parameter(
        "auto",
        "Precision",
        "Of what a window changes in each layer: float32, or bfloat16, which is up to twice as"
        " fast; auto takes it where it is faster and, in an exact map, loses less than 2 % on this"
        " image.",
        group="Forward",
    )
    at: str = parameter(
        "auto",
        "From layer",
        "From where on a linearised forward is linear, exact below: a layer's name, input, or auto"
        " for the earliest one that gives nearly the same map.",
        group="Forward",
    )
    statistics: Path | None = parameter(
        None,
        "Statistics",
        "A file made by fit-statistics; without it, those that ship for such images.",
        group="Window and infill",
    )
    reference: Path | None = parameter(
        None,
        "Reference folder",
        "A folder of images whose windows are the marginal samples; without it, they come from the"
        " statistics.",
        group="Window and infill",
    )
    seed: int = parameter(
        0, "Seed", "The same seed gives the same samples.", ge=0, le=2**32 - 1, group="Sampling"
    )

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.stride > self.window:
            raise ValueError(
                f"A stride of {self.stride} leaves gaps between windows of {self.window} pixels:"
                " choose a stride of at most the window."
            )
        if "outer" in self.inactive():
            return self
        if self.window > _LARGEST_OUTER - 1:
            raise ValueError(
                f"A window of {self.window} pixels leaves no room for its surroundings in an outer"
                f" patch, which has at most {_LARGEST_OUTER}: choose a window of at most"
                f" {_LARGEST_OUTER - 1}, or an infill that is not conditional."
            )
        if self.outer < self.window + 1:
            raise ValueError(
                f"An outer patch of {self.outer} pixels leaves no surroundings to a window of"
                f" {self.window}: choose an outer patch of at least {self.window + 1}."
            )
        return self

    @classmethod
    def suited_to(cls, classifier: Classifier) -> dict[str, Any]:
        """Window, outer patch, and an infill of the distribution that suits the classifier."""
        settings = classifier.settings
        infill = INFILLS[cls.model_fields["infill"].default].under(settings.distribution)
        return {"window": settings.window, "outer": settings.outer, "infill": infill.name}

    @classmethod
    def adopting(
        cls, earlier: Method | None, classifier: Classifier, *, new_classifier: bool = False
    ) -> Self:
        """As any method; a forward that was chosen stays also under another classifier."""
        made = super().adopting(earlier, classifier, new_classifier=new_classifier)
        chosen = getattr(earlier, "forward", AUTO)
        if new_classifier and chosen not in (AUTO, "levelled"):
            return made.model_copy(update={"forward": chosen})
        return made

    def inactive(self) -> frozenset[str]:
        """Parameters that the chosen infill does not take, and the forward does not use."""
        infill = INFILLS.get(self.infill)  # none of a name that is not validated yet
        idle = set() if infill is None else set(get_args(Taken)).difference(infill.takes)
        linearised = self.forward == "linearised"
        if self.forward in ("full", "levelled") or (linearised and self.at == "input"):
            idle.add("precision")
        if not linearised:
            idle.add("at")
        if self.forward != "levelled":
            idle.add("tolerance")
        return frozenset(idle)

    @classmethod
    def starting_values(cls, classifier: Classifier) -> dict[str, Any]:
        """What suits the classifier, and on large inputs a levelled map: it is shown soon."""
        start = {**super().starting_values(classifier), "stride": 1}
        exact = cls.model_fields["forward"].default == AUTO
        if exact and classifier.shorter_side > _SMALL_INPUT:
            start["forward"] = "levelled"
        return start

    def bounds(self, input_size: int) -> dict[str, Bounds]:
        """The window fits into the input, its outer patch around it, the stride into the window."""
        declared = super().bounds(input_size)
        conditional = "outer" not in self.inactive()
        room = min(_LARGEST_OUTER, input_size) - 1 if conditional else input_size
        (window, widest), (stride, longest) = declared["window"], declared["stride"]
        largest = declared["outer"][1] or input_size
        return {
            **declared,
            "window": (window, min(widest or room, room)),
            "outer": (self.window + 1, min(largest, input_size)),
            "stride": (stride, min(longest or self.window, self.window)),
        }

    def following(self, changes: Mapping[str, Any], input_size: int) -> dict[str, Any]:
        """The outer patch keeps its margin around a window of another size.

        Where the end of the image or of the patch has taken it away, the usual margin comes back.
        """
        window = changes.get("window")
        if not isinstance(window, int) or "outer" in changes:
            return {}
        margin = self.outer - self.window
        if margin < 1 or self.outer >= min(_LARGEST_OUTER, input_size):
            margin = max(margin, _MARGIN)
        return {"outer": window + margin}

    def finer(self, made: Result) -> Self | None:
        """A levelled map to the next tolerance that is not reached."""
        if not self.is_levelled or (claimed := approximation(made.diagnostics)) is None:
            return None
        finer = [one for one in _FINER if one < min(self.tolerance, claimed.error)]
        return self.model_copy(update={"tolerance": max(finer, default=0.0)})

    def finest(self) -> Self | None:
        """Every window, scored exactly."""
        changes: dict[str, Any] = {} if self.stride == 1 else {"stride": 1}
        if self.is_levelled:
            changes["tolerance"] = 0.0
        return self.model_copy(update=changes) if changes else None

    @property
    def is_levelled(self) -> bool:
        """Whether most windows' scores are estimated."""
        return self.forward == "levelled" and self.tolerance > 0

    def cost(self, subject: Subject) -> int:
        """Number of infilled images; none are scored where all of the network is linearised."""
        if self.forward == "linearised" and self.at == "input":
            return 1
        height, width = subject.view.shape[:2]
        images = (
            self._places(height) * self._places(width) * INFILLS[self.infill].count(self.samples)
        )
        if self.is_levelled:
            # What its scores to first order take, is worth about as many exact ones as it has.
            return max(1, round(images * min(1.0, _LEVELLED * _USUAL / self.tolerance)))
        return images

    def warning(self, subject: Subject) -> str:
        """What the infill's covariances take, if that is much."""
        image = subject.view.shape[:2]
        channels = subject.classifier.preprocessing.channels
        windows = Windows((image[0], image[1]), self.window, self.stride)
        return INFILLS[self.infill].effort(windows, self.outer, channels).warning

    def preview(self, subject: Subject) -> Self | None:
        """Fewer windows, the mean of a stochastic infill, and a linearised tail."""
        if self.forward == "linearised" or self.is_levelled:
            return None  # a levelled map's own first estimate is there as soon
        infill = INFILLS[self.infill].preview or self.infill
        stride = min(max(self.stride, _PREVIEW_STRIDE), self.window)
        if stride == self.stride and infill == self.infill:
            return None  # as many windows: it would hardly be quicker
        if not subject.scored.is_traceable:
            return None
        rough = {"infill": infill, "stride": stride, "forward": "linearised", "at": AUTO}
        return type(self)(**{**dict(self), **rough})

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Score the windows coarse to fine, a batch a step."""
        from pda_studio.attribution import levelled, prediction_difference

        refines = subject.earlier is not None and self.goes_on_from(subject.earlier, subject)
        work = levelled if refines or levelled.levels_pay(self, subject) else prediction_difference
        yield from work.steps(self, subject)

    def sources(self, subject: Subject) -> list[dict[str, Any]]:
        """Any difference and any target whose scores are kept, at this stride or a finer one.

        A levelled map can be had from the exact one, too, which it is where nothing is tolerated.
        """
        if self.forward == "levelled":
            exact = self.model_copy(update={"forward": "auto", "precision": "auto"})
            return [*self._own_sources(subject)[: self.is_levelled], *exact.sources(subject)]
        return self._own_sources(subject)

    def goes_on_from(self, earlier: Result, subject: Subject) -> bool:
        """With another tolerance, target or difference no window is scored again."""
        from pda_studio.attribution.levelled import holds_levels_of

        if self.forward != "levelled" or earlier.method != self.name:
            return False
        other = self.of_values({**earlier.parameters, "tolerance": self.tolerance})
        same = other.sources(subject) == self.sources(subject)
        return same and holds_levels_of(earlier, subject)

    def _own_sources(self, subject: Subject) -> list[dict[str, Any]]:
        (own,) = super().sources(subject)
        del own["difference"]
        if isinstance(subject.target, ClassTarget) and self.forward != "linearised":
            own["target"] = {"classes": subject.kept_classes.tolist()}
        finer = [stride for stride in range(1, self.stride) if self.stride % stride == 0]
        if subject.batch is not None:
            finer = []  # whoever names a batch wants the same last digits: no other batches
        return [{**own, "stride": stride} for stride in [self.stride, *reversed(finer)]]

    def redrawn(self, kept: Result, subject: Subject) -> EvidenceMap:
        """Draw the subject's map from a finished one's scores: no forward pass."""
        from pda_studio.attribution import prediction_difference

        return prediction_difference.redrawn(self, kept, subject)

    def _places(self, length: int) -> int:
        """How many windows lie along a side of this length (pixels)."""
        return max(0, -(-(length - self.window) // self.stride) + 1)


def outer_around(window: int, side: int) -> int:
    """Side of the outer patch that suits a window, in an image of this shorter side (pixels)."""
    return max(2, min(window + _MARGIN, _LARGEST_OUTER, side))
