"""The work of patch PDA: prediction difference analysis with the windows of a network's patches."""

from collections.abc import Iterator

from pda_studio.methods.base import Progress
from pda_studio.methods.patch_pda import PatchPDA
from pda_studio.results import EvidenceMap, Subject


def steps(method: PatchPDA, subject: Subject) -> Iterator[Progress[EvidenceMap]]:
    """Score the windows coarse to fine, a batch a step."""
    for one in method.on_pixels(subject).steps(subject):
        yield Progress(
            one.done,
            one.total,
            lambda one=one: _named(method, one.evidence()),  # type: ignore[misc]
            one.stage,
        )


def _named(method: PatchPDA, found: EvidenceMap) -> EvidenceMap:
    """The map under the method's own name."""
    return found.replace(
        method=method.name,
        title=method.title,
        parameters=method.model_dump(mode="json"),
        scores=None,
    )
