"""What the user can ask for, as a list that is searched and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pda_studio.gui.actions.fuzzy import Match, match


@dataclass(frozen=True)
class Command:
    """One thing to ask for.

    Attributes
    ----------
    title : str
        What it does.
    group : str
        Where it belongs: the menu's name, or a kind of things such as classifiers.
    keys : str
        Its shortcut, as people read it.
    run : callable, optional
        Does it; without it, the command is there to be read.
    enabled : bool
        Whether it can be done now.
    help : str
        One sentence more.
    """

    title: str
    group: str
    keys: str = ""
    run: Callable[[], object] | None = None
    enabled: bool = True
    help: str = ""


def searched(commands: Iterable[Command], typed: str) -> list[tuple[Command, Match]]:
    """Commands whose title, or group and title, fit what was typed; the best first.

    Where nothing is typed, all of them in their order.
    """
    found: list[tuple[Command, Match]] = []
    for command in commands:
        fit = match(typed, command.title)
        if fit is None:
            whole = match(typed, f"{command.group} {command.title}")
            if whole is not None:
                start = len(command.group) + 1
                places = tuple(at - start for at in whole.places if at >= start)
                fit = Match(whole.score - 5, places)
        if fit is not None:
            found.append((command, fit))
    if typed.strip():
        found.sort(key=lambda pair: (-pair[1].score, not pair[0].enabled))
    return found
