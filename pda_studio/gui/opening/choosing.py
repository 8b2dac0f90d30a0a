"""What a file that somebody opens is taken as; imported once the engine is there."""

from pathlib import Path

from pda_studio.classifiers.answers import kept_answers
from pda_studio.classifiers.architectures import fits_of
from pda_studio.classifiers.catalogue import is_known
from pda_studio.classifiers.entry import holds_weights
from pda_studio.document.workspace import ClassifierChoice
from pda_studio.errors import PdaStudioError


def choice_of(path: Path, wanted: str = "") -> ClassifierChoice:
    """The classifier of a file: a network of the catalogue with its weights, or the file itself.

    Names and shapes in it decide, and not its name; that only confirms what they say.

    Parameters
    ----------
    path : Path
        Any file or folder.
    wanted : str
        The network that somebody has said its weights belong to; taken if they fit.
    """
    file = ClassifierChoice(str(path.absolute()))
    try:
        if not holds_weights(path) or kept_answers(path).said():
            return file
        fits = fits_of(path)
    except PdaStudioError:  # opening it tells what is wrong
        return file
    likeliest = (wanted,) if wanted in fits.names else fits.names[:1]
    known = fits.sure or wanted in fits.names
    (name,) = likeliest
    return ClassifierChoice(name, str(path)) if known and is_known(name) else file
