"""Where the answers about a file are kept: beside it, else in the settings."""

from hashlib import sha256
from pathlib import Path

import platformdirs

from pda_studio.classifiers.spec import SUFFIX, ClassifierSpec, read_spec, write_spec
from pda_studio.errors import PdaStudioError


def answers_beside(path: Path) -> Path:
    """Where the answers about a file lie: beside it, under its own name and .toml."""
    return path.with_name(path.name + SUFFIX)


def answers_elsewhere(path: Path) -> Path:
    """Where they lie if nothing can be written beside it: in the settings, by its whole path."""
    folder = platformdirs.user_config_path("pda-studio", appauthor=False) / "answers"
    return folder / f"{sha256(str(path.resolve()).encode()).hexdigest()[:24]}{SUFFIX}"


def kept_answers(path: Path) -> ClassifierSpec:
    """The answers about a file that were kept; none if there are none."""
    for place in (answers_beside(path), answers_elsewhere(path)):
        if place.is_file():
            return read_spec(place)
    return ClassifierSpec()


def keep_answers(path: Path, spec: ClassifierSpec) -> Path:
    """Write the answers about a file beside it, or else into the settings; returns where.

    Raises
    ------
    PdaStudioError
        If neither can be written.
    """
    beside, elsewhere = answers_beside(path), answers_elsewhere(path)
    try:
        write_spec(spec, beside)
    except PdaStudioError:
        try:
            elsewhere.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PdaStudioError(f"{elsewhere.parent} cannot be made: {error.strerror}.") from error
        write_spec(spec, elsewhere)
        return elsewhere
    elsewhere.unlink(missing_ok=True)  # older ones
    return beside
