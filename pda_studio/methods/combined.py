"""Several maps of one image as one, that shows where they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import SerializeAsAny

from pda_studio.errors import UsageError
from pda_studio.methods.base import Family, Method, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import EvidenceMap, Subject


class Combined(Method):
    """The mean of finished maps; it is made from maps, not from a subject.

    Attributes
    ----------
    of : tuple of Method
        The methods whose maps are combined, where that is known. No parameter: nobody sets it.
    """

    name: ClassVar[str] = "combined"
    title: ClassVar[str] = "Combined"
    family: ClassVar[Family] = "Several methods"
    combines: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "The mean of the other columns' maps, each divided by its root mean square; their spread"
        " shows where they agree."
    )
    citation: ClassVar[str] = (
        "Zhou & Kainz, Efficient image evidence analysis, arXiv 1801.01693, 2018, outlook"
    )

    of: tuple[SerializeAsAny[Method], ...] = ()

    def steps(self, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
        """Refuse: there is nothing to compute but from maps.

        Raises
        ------
        UsageError
            Always.
        """
        raise UsageError(
            "Combined maps are made from finished maps: compute some, then combine them."
        )
