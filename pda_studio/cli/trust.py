"""The verb `trust`: the files that may be run, as they hold code."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pda_studio.cli.options import AsJson, print_json
from pda_studio.errors import UsageError


def trust(
    *,
    withdraw: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Trust this file no longer, whether it is there or not."),
    ] = None,
    withdraw_all: Annotated[bool, Parameter(help="Trust no file any longer.")] = False,
    json: AsJson = False,
) -> int:
    """List the files with code that are trusted, or trust them no longer."""
    from pda_studio.classifiers import trust as trusting

    if withdraw is not None and not trusting.withdraw(withdraw):
        raise UsageError(f"{withdraw} is not trusted: see pda-studio trust.")
    if withdraw_all:
        trusting.withdraw_all()
    known = trusting.trusted()
    if json:
        print_json([{"file": place, "sha256": digest} for digest, place in known.items()])
    elif known:
        print("\n".join(f"{digest[:12]}  {place}" for digest, place in known.items()))
    else:
        print("No file is trusted.")
    return 0
