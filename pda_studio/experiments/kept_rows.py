"""The speeds of networks that were measured before a stop."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from pda_studio.classifiers import Classifier
from pda_studio.experiments.machine import kept_here
from pda_studio.experiments.speed import Progress, Row


class KeptRows:
    """What `compare` found of a network on this machine, until it is forgotten.

    Parameters
    ----------
    classifier : Classifier
        The network.
    values : list
        On what else the measurement depends.
    """

    def __init__(self, classifier: Classifier, values: list[Any]) -> None:
        self._kept = kept_here("speed", classifier, values)

    def found(self) -> list[Progress]:
        """The last step of a measurement; none where it was not finished."""
        numbers = self._kept.find(None)
        if numbers is None:
            return []
        told = json.loads(numbers["last"].tobytes())
        rows = tuple(Row(**{**row, "rounds": tuple(row["rounds"])}) for row in told["rows"])
        return [replace(Progress(**{**told, "rows": ()}), rows=rows)]

    def keep(self, last: Progress) -> None:
        """Keep the last step of a measurement."""
        text = json.dumps(asdict(last)).encode()
        self._kept.keep(None, {"last": np.frombuffer(text, np.uint8)})

    def forget(self) -> None:
        """Let the next measurement begin anew."""
        self._kept.forget(None)
