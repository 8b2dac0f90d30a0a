"""Numbers that a study has found, on the disk: it goes on where it was stopped."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from pda_studio.results import Subject
from pda_studio.store.disk import DiskCache, code_of, hashed, program_in_key, subject_in_key
from pda_studio.targets import as_json

_log = logging.getLogger(__name__)

Numbers = dict[str, NDArray[Any]]


class KeptNumbers:
    """Arrays by name for each subject and part, beside the maps and under the same limit.

    A part is what they depend on besides, as JSON values; some depend on no subject.

    Parameters
    ----------
    study : str
        What the numbers are.
    values : mapping
        JSON values and paths on which they depend besides the subject; of a path, what lies there.
    """

    def __init__(self, study: str, values: Mapping[str, Any]) -> None:
        self._common = {"study": study, "work": code_of(("experiments",)), **values}
        self._entries = DiskCache().entries

    def find(self, subject: Subject | None, **part: Any) -> Numbers | None:
        """The numbers of a subject, and of a part of the work; None where they are not kept."""
        key = self._key(subject, part)
        entry = self._entries.find(key) if key else None
        if key is None or entry is None:
            return None
        try:
            found = load(entry.data)
        except (SafetensorError, ValueError) as error:
            _log.debug("Damaged numbers are discarded: %s", error)
            self._entries.discard(key)
            return None
        self._entries.touch(key)
        return dict(found)

    def keep(self, subject: Subject | None, numbers: Numbers, **part: Any) -> None:
        """Keep the numbers of a subject and a part, where there is room for them."""
        key = self._key(subject, part)
        if key:
            tensors = {name: np.ascontiguousarray(array) for name, array in numbers.items()}
            self._entries.keep(key, save(tensors))

    def forget(self, subject: Subject | None, **part: Any) -> None:
        """Delete the numbers of a subject and a part, if they are kept."""
        key = self._key(subject, part)
        if key:
            self._entries.discard(key)

    def _key(self, subject: Subject | None, part: Mapping[str, Any]) -> str | None:
        """None where something that counts cannot be read."""
        values = {**self._common, **({"part": part} if part else {})}
        try:
            if subject is None:
                return hashed({**values, **program_in_key()})
            target = as_json(subject.target)
            return hashed({**values, **subject_in_key(subject), "target": target})
        except (OSError, TypeError, ValueError) as error:
            _log.debug("Numbers cannot be looked up: %r", error)
            return None
