"""The target that a command line, or a plan, names."""

from pda_studio.classifiers.classifier import Classifier
from pda_studio.classifiers.layers import activations
from pda_studio.counts import plain_name
from pda_studio.errors import UsageError
from pda_studio.images import Image
from pda_studio.targets import ContrastTarget, Target, UnitTarget


def target_named(
    classifier: Classifier,
    image: Image,
    target: str | None,
    against: str | None,
    layer: str | None,
    unit: str | None,
) -> Target | None:
    """Find the target that is named; None for the most likely class.

    Parameters
    ----------
    classifier : Classifier
        What is explained.
    image : Image
        The image.
    target, against : str, optional
        A class, and the one that it is contrasted with.
    layer, unit : str, optional
        A layer, and its channel (C) or a place of it (C,Y,X); without it, the channel with the
        strongest mean.

    Raises
    ------
    UsageError
        If there is no such class, layer or unit.
    """
    if layer is not None:
        if unit is not None:
            return UnitTarget.parse(layer, unit)
        maps = activations(classifier, classifier.preprocessing.view(image), layer)
        return UnitTarget(layer, int(maps.reshape(len(maps), -1).mean(1).argmax()))
    if against is not None:
        if target is None:
            first = int(classifier.predict(classifier.preprocessing.view(image)).argmax())
        else:
            first = classifier.class_index(target)
        return ContrastTarget(first, classifier.class_index(against))
    return None if target is None else classifier.target_of(target)


def target_of_label(classifier: Classifier, label: str) -> Target:
    """Find the class that an image's label names, whatever the case, with spaces for underscores.

    Raises
    ------
    UsageError
        If there is no label, or the classifier has no such class.
    """
    if not label:
        raise UsageError(
            "The image has no label: put it into a folder for its class, or into a list with a"
            " column “label”."
        )
    plain = plain_name(label)
    same = [at for at, name in enumerate(classifier.class_names) if plain_name(name) == plain]
    if len(same) == 1:
        return classifier.target_of(same[0])
    if not same:
        raise UsageError(f"{classifier.name} has no class “{label}”, which is the image's label.")
    return classifier.target_of(
        label
    )  # several bear the name: it is refused, or told apart by case
