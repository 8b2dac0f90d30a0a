"""What a method finds out about its own result: whether it adds up, where it was read, and such.

Each is a value with a sentence for captions; JSON is made of them at the file's edge alone.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, TypeAdapter

_LOST = 0.5
"""From which error on a map is said to have lost what it should add up to."""


@dataclass(frozen=True)
class WholeNetwork:
    """Every window was scored by the whole network, where a faster forward was wanted.

    Attributes
    ----------
    reason : str
        Why no other was possible.
    """

    reason: str
    kind: Literal["whole network"] = field(default="whole network", kw_only=True, repr=False)

    def __str__(self) -> str:
        return ""  # the map's `forward` says it


@dataclass(frozen=True)
class Approximation:
    """How far a map is from the exact one, by its own estimate.

    Attributes
    ----------
    error : float
        Root mean square error over the root mean square evidence.
    exact : float
        Part of the windows that are scored exactly.
    """

    error: float
    exact: float
    kind: Literal["approximation"] = field(default="approximation", kw_only=True, repr=False)

    def __str__(self) -> str:
        return f"{self.short} of the rms evidence"

    @property
    def short(self) -> str:
        """As a panel shows it: "± 4.8 %"."""
        return f"± {100 * self.error:.2g} %"


@dataclass(frozen=True)
class Completeness:
    """Whether a map adds up to how much the target's score differs from the baseline's.

    Attributes
    ----------
    total, change : float
        The map's sum, and that difference.
    """

    total: float
    change: float
    kind: Literal["completeness"] = field(default="completeness", kw_only=True, repr=False)

    @property
    def error(self) -> float:
        """|total − change| / |change|; 0 where there is no difference."""
        return abs(self.total - self.change) / abs(self.change) if self.change else 0.0

    def __str__(self) -> str:
        if not self.change:
            return ""
        error = f"completeness error {100 * self.error:.2g} %"
        return f"{error}: {self.warning}" if self.warning else error

    @property
    def warning(self) -> str:
        """A sentence if the map sums to something else altogether; or ""."""
        if self.error < _LOST:
            return ""
        return f"the map sums to {self.total:.2g}, the score changes by {self.change:.3g}"


@dataclass(frozen=True)
class Conservation:
    """How much of the target's logit has reached the pixels.

    Attributes
    ----------
    relevance, logit : float
        The map's sum, and what was shared out.
    """

    relevance: float
    logit: float
    kind: Literal["conservation"] = field(default="conservation", kw_only=True, repr=False)

    @property
    def error(self) -> float:
        """|relevance − logit| / |logit|; 0 where there is nothing to share out."""
        return abs(self.relevance - self.logit) / abs(self.logit) if self.logit else 0.0

    def __str__(self) -> str:
        if not self.logit:
            return "nothing to share out: the logit is 0"
        percent = 100 * self.error
        error = f"conservation error {percent:{'.2g' if percent < 10 else '.0f'}} %"
        return f"{error}: {self.warning}" if self.warning else error

    @property
    def warning(self) -> str:
        """A sentence if most of the logit is missing in the map, or the map is far more; or ""."""
        if self.error < _LOST:
            return ""
        return f"the map sums to {self.relevance:.2g}, the logit is {self.logit:.3g}"


@dataclass(frozen=True)
class ShippedStatistics:
    """Infills follow shipped statistics that may not describe the image.

    Attributes
    ----------
    of : str
        The images that they describe.
    image : str
        What is explained.
    """

    of: str
    image: str
    kind: Literal["statistics"] = field(default="statistics", kw_only=True, repr=False)

    def __str__(self) -> str:
        return self.warning

    @property
    def warning(self) -> str:
        """What the statistics describe, and how to get others."""
        said = f"infills follow the statistics of {self.of}, this is {self.image}"
        return f"{said}: make those of your images with fit-statistics"


@dataclass(frozen=True)
class ReadAt:
    """The layer whose maps were weighed.

    Attributes
    ----------
    layer : str
        Its name.
    rows, columns : int or None
        Of its maps, where they were enlarged to the map.
    """

    layer: str
    rows: int | None = None
    columns: int | None = None
    kind: Literal["read at"] = field(default="read at", kw_only=True, repr=False)

    def __str__(self) -> str:
        size = "" if self.rows is None else f", maps of {self.rows}×{self.columns}"
        return f"at {self.layer}{size}"


@dataclass(frozen=True)
class BiasShare:
    """What of a logit the places of a layer give, and what is bias.

    Attributes
    ----------
    logit, bias : float
        The logit, and its part that no place gives.
    """

    logit: float
    bias: float
    kind: Literal["bias share"] = field(default="bias share", kw_only=True, repr=False)

    def __str__(self) -> str:
        return f"{self.logit - self.bias:.3g} of {self.logit:.3g}, bias {self.bias:.3g}"


@dataclass(frozen=True)
class AttentionLayers:
    """The layers of attention that were followed, and what a token covers.

    Attributes
    ----------
    layers, patch : int
        How many layers, and the side of a token's patch in pixels.
    """

    layers: int
    patch: int
    kind: Literal["attention layers"] = field(default="attention layers", kw_only=True, repr=False)

    def __str__(self) -> str:
        return f"{self.layers} layers, patches of {self.patch} pixels"


@dataclass(frozen=True)
class MaskCount:
    """How many random masks have been scored."""

    count: int
    kind: Literal["masks"] = field(default="masks", kw_only=True, repr=False)

    def __str__(self) -> str:
        return f"{self.count} masks"


@dataclass(frozen=True)
class MeanOf:
    """The parts of which a map is the mean.

    Attributes
    ----------
    parts : tuple of str
        Their names.
    left_out : str
        Which usual part is missing, and why; "" if none.
    """

    parts: tuple[str, ...]
    left_out: str = ""
    kind: Literal["mean"] = field(default="mean", kw_only=True, repr=False)

    def __str__(self) -> str:
        return "; ".join(filter(None, (f"mean of {', '.join(self.parts)}", self.left_out)))


@dataclass(frozen=True)
class NeuronCount:
    """How many neurons a map shows.

    Attributes
    ----------
    neurons, silent : int
        All of them, and those that nothing in the image drives.
    """

    neurons: int
    silent: int
    kind: Literal["neurons"] = field(default="neurons", kw_only=True, repr=False)

    def __str__(self) -> str:
        silent = f", {self.silent} of them driven by nothing" if self.silent else ""
        return f"{self.neurons} neurons{silent}"


@dataclass(frozen=True)
class Ascent:
    """How far a made image has raised the target's score.

    Attributes
    ----------
    unit : str
        Of the score: logit, value or activation.
    before, after : float
        Of the first image and of the one that is shown.
    steps : int
        How many steps lie between.
    probability : float or None
        What the classifier says of the one that is shown, if the target has a probability.
    """

    unit: str
    before: float
    after: float
    steps: int
    probability: float | None = None
    kind: Literal["ascent"] = field(default="ascent", kw_only=True, repr=False)

    def __str__(self) -> str:
        steps = f"{self.steps} step{'s' if self.steps > 1 else ''}"
        text = f"{self.unit} from {self.before:.3g} to {self.after:.3g} in {steps}"
        if self.probability is None:
            return text
        return f"{text}, probability {100 * self.probability:.1f} %"


@dataclass(frozen=True)
class Note:
    """What a file of version 0.1 says, in words."""

    text: str
    kind: Literal["note"] = field(default="note", kw_only=True, repr=False)

    def __str__(self) -> str:
        return self.text


Diagnostic = (
    WholeNetwork
    | Approximation
    | Completeness
    | Conservation
    | ShippedStatistics
    | ReadAt
    | BiasShare
    | AttentionLayers
    | MaskCount
    | MeanOf
    | NeuronCount
    | Ascent
    | Note
)
Diagnostics = tuple[Diagnostic, ...]

SUMMED = Completeness | Conservation
"""What tells whether a map adds up."""

_adapter: TypeAdapter[Diagnostics] = TypeAdapter(
    tuple[Annotated[Diagnostic, Discriminator("kind")], ...], config=ConfigDict(defer_build=True)
)


def warnings(diagnostics: Diagnostics) -> tuple[str, ...]:
    """What stands beside a map wherever it is shown, as that it does not add up."""
    judged = (one for one in diagnostics if isinstance(one, SUMMED | ShippedStatistics))
    return tuple(one.warning for one in judged if one.warning)


def approximation(diagnostics: Diagnostics) -> Approximation | None:
    """How far the map is from the exact one, if most windows' scores are estimated."""
    return next((one for one in diagnostics if isinstance(one, Approximation)), None)


def as_json(diagnostics: Diagnostics) -> list[dict[str, Any]]:
    """Diagnostics as they stand in files: JSON values."""
    values: list[dict[str, Any]] = _adapter.dump_python(diagnostics, mode="json")
    return values


def from_json(values: object) -> Diagnostics:
    """Read diagnostics from a file.

    Raises
    ------
    ValueError
        If the values are none.
    """
    return _adapter.validate_python(values)
