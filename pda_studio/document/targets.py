"""What is asked about, as a value: a class, the difference of two, or a hidden unit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassTarget:
    """Why this class: by its log-odds, probability or logit, as the method says.

    Attributes
    ----------
    index : int
        Of the class, among the classifier's.
    """

    index: int


@dataclass(frozen=True)
class ContrastTarget:
    """Why the first class rather than the second.

    Attributes
    ----------
    first, second : int
        Indices of the classes.
    """

    first: int
    second: int


@dataclass(frozen=True)
class UnitTarget:
    """What a hidden layer's map, or one place of it, looks for.

    Attributes
    ----------
    layer : str
        The layer's name in the network.
    channel : int
        Which of its maps.
    row, column : int or None
        The place, in pixels of the map; None for the mean over all of them.
    """

    layer: str
    channel: int
    row: int | None = None
    column: int | None = None


Target = ClassTarget | ContrastTarget | UnitTarget
