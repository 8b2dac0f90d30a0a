"""One call from an image to its map."""

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.entry import as_classifier
from pda_studio.errors import UsageError
from pda_studio.images import Image, View
from pda_studio.methods import method_named, run
from pda_studio.methods.base import one_at_a_time
from pda_studio.results import Result, Subject
from pda_studio.store.disk import CacheEntry, DiskCache
from pda_studio.targets import Target


def explain(
    image: View | Image,
    classifier: Classifier | nn.Module,
    method: str = "efficient-pda",
    target: int | str | Target | None = None,
    *,
    preprocessing: object = None,
    class_names: Sequence[str] | None = None,
    output: str | None = None,
    select: str | int | None = None,
    batch: int | None = None,
    cache: bool = False,
    earlier: Result | None = None,
    **parameters: object,
) -> Result:
    """Show which pixels speak for and against a decision.

    Parameters
    ----------
    image : (H, W, 3) uint8 or float32, or Image
        RGB of any size, floats from 0 to 1; or an image of any depth, as `read_image` returns it.
    classifier : Classifier or torch.nn.Module
        From `load_classifier`; or any network that takes a batch (N, C, H, W), in any mode and on
        any device, of which nothing is changed.
    method : str
        A name in `METHODS`.
    target : int or str, optional
        Index or name of a class, or a target of `pda_studio.targets`; without it, the most likely
        class.
    preprocessing, class_names, output, select
        What a network does not say of itself, as `load_classifier` takes it.
    batch : int, optional
        Images per forward pass; without it the fastest size is found while working.
    cache : bool
        Whether to take the map from the cache on the disk if it is there, and to keep it there.
    earlier : EvidenceMap, optional
        A levelled map of the same, computed by this process with another tolerance: the work goes
        on from it, and no window is scored again.
    **parameters
        The method's parameters; without them, what suits the classifier.

    Returns
    -------
    EvidenceMap or MadeImage
        In pixels of the network's input.

    Raises
    ------
    UsageError
        If a name is unknown, a parameter out of its bounds, or the earlier map one of something
        else.

    Examples
    --------
    >>> from pda_studio import explain, load_classifier, load_image
    >>> classifier = load_classifier("digits")
    >>> explain(load_image("digit.png"), classifier, stride=2).evidence.shape  # doctest: +SKIP
    (28, 28)
    """
    with one_at_a_time:
        classifier = as_classifier(
            classifier,
            preprocessing=preprocessing,
            class_names=class_names,
            output=output,
            select=select,
        )
        chosen = method_named(method).create(classifier, **parameters)
        subject = replace(Subject.of(image, classifier, target, batch), earlier=earlier)
        if earlier is not None and not chosen.goes_on_from(earlier, subject):
            raise UsageError(
                "The earlier map cannot be refined to this one: take a levelled map that this"
                " process has computed of the same image, with the same parameters but the"
                " tolerance."
            )
        if not cache:
            return run(chosen.steps(subject))
        store, entry = DiskCache(), CacheEntry.of(chosen, subject)
        found = store.find(entry)
        if found is not None:
            return found.evidence_map
        evidence_map = run(chosen.steps(subject))
        store.keep(entry, evidence_map)
        return evidence_map
