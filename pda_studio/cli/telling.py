"""What the options tell of a classifier's file, as the engine takes it."""

import logging
from pathlib import Path

from pda_studio.classifiers import is_file
from pda_studio.classifiers.answers import answers_beside, keep_answers, kept_answers
from pda_studio.classifiers.class_names import read_class_names
from pda_studio.classifiers.spec import ClassifierSpec, read_spec
from pda_studio.cli.answers import Answers
from pda_studio.errors import UsageError

_log = logging.getLogger(__name__)


def spec_of(answers: Answers) -> ClassifierSpec:
    """All that is said.

    Raises
    ------
    UsageError, PdaStudioError
        If it cannot be.
    """
    names = answers.class_names
    said = ClassifierSpec.of(
        architecture=answers.architecture,
        input_size=answers.input_size,
        resize=answers.resize,
        channels=answers.channels,
        channel_order=answers.channel_order,
        mean=answers.mean,
        std=answers.std,
        value_range=answers.value_range,
        image_values=answers.image_values,
        output=answers.output_kind,
        select=answers.select_output,
        class_names=None if names is None else read_class_names(names),
    )
    return said if answers.answers is None else read_spec(answers.answers).with_answers(said)


def save(answers: Answers, classifier: str) -> None:
    """Write the answers beside a classifier's file, or else into the settings, which is said.

    Raises
    ------
    UsageError
        If it is no file.
    """
    if not is_file(classifier):
        raise UsageError("--save-answers writes beside a file: name one with --classifier.")
    path = Path(classifier)
    place = keep_answers(path, kept_answers(path).with_answers(spec_of(answers)))
    if place != answers_beside(path):
        _log.warning("Nothing can be written beside %s: its answers are in %s.", path.name, place)
