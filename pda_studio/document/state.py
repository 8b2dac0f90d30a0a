"""All that a workspace file holds, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pda_studio.document.workspace import Workspace
from pda_studio.results import Result
from pda_studio.targets import Target


@dataclass(frozen=True, eq=False)
class KeptMap:
    """A finished map of a panel.

    Attributes
    ----------
    row, column : int
        Keys of the panel's row and column.
    classifier : str
        Fingerprint of the classifier that was asked, before it was made to answer with a target.
    target : Target
        What was asked about.
    evidence_map : EvidenceMap or MadeImage
        The map, without its window scores.
    """

    row: int
    column: int
    classifier: str
    target: Target
    evidence_map: Result


@dataclass(frozen=True, eq=False)
class State:
    """All that a file of saved work holds.

    Attributes
    ----------
    work : Workspace
        What was open and set.
    maps : tuple of KeptMap
        The finished maps.
    display, figure : dict
        How maps are shown, and how a figure of them is laid out: JSON values, whose meaning is
        theirs who set them.
    file : Path or None
        The file that the user has saved the work in, where this one is not that file: autosaved
        work remembers it.
    modified : bool
        Whether the work was edited since it was saved there.
    notes : tuple of str
        Sentences on what had to be left out when the file was read.
    """

    work: Workspace
    maps: tuple[KeptMap, ...] = ()
    display: Mapping[str, Any] = field(default_factory=dict)
    figure: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    modified: bool = False
    notes: tuple[str, ...] = ()
