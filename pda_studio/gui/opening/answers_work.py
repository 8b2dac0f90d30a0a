"""What the form about a classifier's file lets the engine do; imported once that is there."""

from pathlib import Path

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.answers import answers_beside, keep_answers
from pda_studio.classifiers.files import open_file, spec_of_classifier
from pda_studio.classifiers.outputs import OUTPUTS
from pda_studio.classifiers.spec import ClassifierSpec
from pda_studio.errors import PdaStudioError
from pda_studio.gui.opening.opening import is_classifier
from pda_studio.gui.window import numbers
from pda_studio.images import Image

_SHOWN = 8


def known(classifier: Classifier) -> ClassifierSpec:
    """What the form shows at first."""
    return spec_of_classifier(classifier)


def known_as(file: Path, architecture: str) -> ClassifierSpec:
    """What the form shows if weights are those of another network.

    Raises
    ------
    PdaStudioError
        If they are not.
    """
    answers = ClassifierSpec.of(architecture=architecture)
    return spec_of_classifier(open_file(file, answers)).with_answers(answers)


def output_labels() -> dict[str, str]:
    """All kinds of output by name, with what a person reads."""
    return {one.name: one.label for one in OUTPUTS.values()}


def predictions(file: Path, spec: ClassifierSpec, image: Image) -> list[str]:
    """The likeliest classes of an image by a file with these answers, a line each.

    Raises
    ------
    PdaStudioError
        If it cannot predict with them.
    """
    classifier = open_file(file, spec)
    said = classifier.predict(classifier.preprocessing.view(image))
    likely = (-said).argsort(kind="stable")[:_SHOWN]
    number = numbers.percentage if classifier.has_probabilities else numbers.plain
    return [f"{classifier.class_names[at]}: {number(float(said[at]))}" for at in likely]


def keep(file: Path, spec: ClassifierSpec) -> None:
    """Write answers beside a file, or else into the settings."""
    keep_answers(file, spec)


def keep_for(files: list[Path], spec: ClassifierSpec) -> tuple[list[str], list[str], list[str]]:
    """Write the same answers for several files.

    Returns
    -------
    beside, elsewhere, refused : list of str
        Names of the TOML files that lie beside theirs, names of the files whose answers are in the
        settings, and why there are none for others.
    """
    beside, elsewhere, refused = [], [], []
    for file in files:
        if not is_classifier(file):
            refused.append(f"{file.name} is no file of a classifier.")
            continue
        try:
            place = keep_answers(file, spec)
        except PdaStudioError as error:
            refused.append(str(error))
            continue
        if place == answers_beside(file):
            beside.append(place.name)
        else:
            elsewhere.append(file.name)
    return beside, elsewhere, refused
