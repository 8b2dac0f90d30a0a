"""The verb `report`: studies and maps in one HTML or PDF file that says how to repeat them."""

import contextlib
import io
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from pda_studio.cli.options import check_output
from pda_studio.errors import UsageError

if TYPE_CHECKING:
    from pda_studio.report import MapPart, StudyPart

_OURS = ("--csv", "--figure", "--output", "--json")


def report(
    *,
    output: Annotated[
        Path,
        Parameter(
            metavar="FILE", help="Where to write it, as .html or .pdf: one file that holds all."
        ),
    ],
    study: Annotated[
        list[str] | None,
        Parameter(
            metavar="TEXT",
            help='A study as it stands after pda-studio study, as "sweep bird.jpg --vary window";'
            " again for each further one. It is carried out; finished maps are found in the cache.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    map: Annotated[
        list[str] | None,
        Parameter(
            metavar="TEXT",
            help='A map as it stands after pda-studio explain, as "bird.jpg --method grad-cam";'
            " again for each further one.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    title: Annotated[str, Parameter(metavar="TEXT", help="Its heading.")] = "Report",
) -> int:
    """Bind studies and maps into one file with all that a reviewer needs.

    It holds their figures and tables, methods text with BibTeX, the exact
    commands, and SHA-256 of tables, images and weights.
    """
    check_output(output, (".html", ".pdf"), "a report")
    maps, studies = [_split(one) for one in map or []], [_split(one) for one in study or []]
    if not maps and not studies:
        raise UsageError("The report is empty: name a --study or a --map.")
    for words in (*maps, *studies):
        own = [word for word in words if word.split("=")[0] in _OURS]
        if own:
            raise UsageError(f"The report writes {own[0]} itself: leave it out.")
    from pda_studio.report import MapPart, Report, StudyPart, report_bytes

    parts: list[MapPart | StudyPart] = [
        *(_map(words) for words in maps),
        *(_study(words) for words in studies),
    ]
    content = report_bytes(Report(title, parts), output.suffix)
    from pda_studio.files import written_whole

    with written_whole(output) as file:
        file.write(content)
    print("\n".join(f"{part.title}: {shlex.join(['pda-studio', *part.words])}" for part in parts))
    print(f"Wrote {output}")
    return 0


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"“{text}” is no command: a quotation mark is not closed.") from error


def _map(words: list[str]) -> "MapPart":
    """Carry out `explain`, and take the map that it wrote."""
    from pda_studio.report import MapPart
    from pda_studio.store import load_map

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder, "map.npz")
        _carried_out(["explain", *words, "--output", str(path)])
        return MapPart(load_map(path), ["explain", *words, "--output", "map.npz"])


def _study(words: list[str]) -> "StudyPart":
    """Carry out `study`, and take what it found."""
    from pda_studio.cli.study import carried_out, study_app
    from pda_studio.report import StudyPart

    found: list[Any] = []

    def collect(*given: Any) -> int:
        found.append(carried_out(*given))
        return 0

    _carried_out(words, study_app(collect))
    if not found:
        raise UsageError(f"“{shlex.join(words)}” carries out no study: begin with its name.")
    ((study, result),) = found
    return StudyPart(study, result, ["study", *words, "--csv", f"{study.name}.csv"])


def _carried_out(words: list[str], app: Any = None) -> None:
    from cyclopts import CycloptsError

    from pda_studio.cli.application import NAMES, application
    from pda_studio.cli.sentences import sentence

    chosen = application(words) if app is None else app
    try:
        chosen(words, print_error=False, exit_on_error=False, result_action="return_value")
    except CycloptsError as error:
        raise sentence(error, NAMES) from error
