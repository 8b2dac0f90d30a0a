"""What was measured of a network once, remembered from one start to the next."""

import json
import logging
from collections.abc import Callable
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from pda_studio.errors import PdaStudioError
from pda_studio.files import cache_folder, written_whole
from pda_studio.reading import json_of

_log = logging.getLogger(__name__)

T = TypeVar("T")


def measured_once(what: str, key: str, kind: type[T], measure: Callable[[], T]) -> T:
    """Find what was measured before, or measure it and keep it.

    Parameters
    ----------
    what : str
        Which file of the cache folder it is kept in.
    key : str
        What it was measured of, and where.
    kind : type
        Of the answer; what is found and is not of this kind is measured anew.
    measure : callable
        Gives the answer.
    """
    path = cache_folder() / f"{what}.json"
    try:
        known = json_of(path.read_bytes())
    except (OSError, ValueError):
        known = {}
    known = known if isinstance(known, dict) else {}
    adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python(known[key])
    except (KeyError, ValidationError):
        answer = measure()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.write(json.dumps({**known, key: adapter.dump_python(answer)}, indent=1).encode())
    except (OSError, PdaStudioError) as error:
        _log.info("What was measured could not be kept: %s", error)  # it costs a probe next time
    return answer
