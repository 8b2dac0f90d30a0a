"""Several maps of one image as one, that shows where they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pda_studio.errors import UsageError
from pda_studio.methods.base import Family, Method, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pda_studio.results import Subject


class Combined(Method):
    """What a column of combined maps is called; it works on maps, so it is not in the registry."""

    title: ClassVar[str] = "Combined"
    family: ClassVar[Family] = "Several methods"
    summary: ClassVar[str] = (
        "The mean of the other columns' maps, each divided by its root mean square; their spread"
        " shows where they agree."
    )
    citation: ClassVar[str] = "Zhou & Kainz, Efficient image evidence analysis, outlook"

    def steps(self, subject: Subject) -> Iterator[Progress]:
        """Refuse: there is nothing to compute but from maps.

        Raises
        ------
        UsageError
            Always.
        """
        raise UsageError("Combined maps are made from finished maps: see `combined`.")
