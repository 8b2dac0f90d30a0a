"""The verbs that list what there is: methods, classifiers, and the layers of one."""

from pda_studio.cli.answers import Told
from pda_studio.cli.options import AsJson, ClassifierName, DeviceName, WeightsFile, print_json


def methods(
    *,
    classifier: ClassifierName | None = None,
    weights: WeightsFile = None,
    about: Told = None,
    json: AsJson = False,
    device: DeviceName = "auto",
) -> int:
    """List the attribution methods; with a classifier, which cannot explain it, and why."""
    from pda_studio.cli import texts
    from pda_studio.methods import METHODS

    reasons: dict[str, str] | None = None
    if classifier is not None:
        from pda_studio.attribution.needs import unusable_methods
        from pda_studio.classifiers import is_file
        from pda_studio.cli import progress

        if weights is None and not is_file(classifier):
            weights = "random"  # which methods it leaves does not depend on them
        reasons = unusable_methods(progress.load(classifier, weights, device, about))
    kinds = list(METHODS.values())
    if json:
        print_json([texts.method_as_json(kind, reasons) for kind in kinds])
    elif reasons is None:
        print(texts.methods(kinds))
    else:
        print(texts.usable_methods(kinds, reasons))
    return 0


def classifiers(*, json: AsJson = False) -> int:
    """List the classifiers."""
    from pda_studio.classifiers import catalogue
    from pda_studio.cli import texts

    if json:
        print_json([vars(entry) for entry in catalogue()])
    else:
        print(texts.classifiers(catalogue()))
    return 0


def layers(
    *,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    about: Told = None,
    json: AsJson = False,
    device: DeviceName = "auto",
) -> int:
    """List the layers of a classifier, for --layer and --at; weights are not needed."""
    from pda_studio.classifiers import is_file, without_weights
    from pda_studio.classifiers.layers import layers
    from pda_studio.cli import progress, texts

    if weights is None and not is_file(classifier):
        loaded = without_weights(classifier)
    else:  # somebody's own may have another number of classes
        loaded = progress.load(classifier, weights, device, about)
    found = layers(loaded)
    if json:
        print_json([{**vars(layer), "shape": list(layer.shape)} for layer in found])
    else:
        print(texts.layers(found))
    return 0
