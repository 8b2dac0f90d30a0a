"""What the palette and the window of keys list, and how it is searched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pda_studio.gui.actions.fuzzy import Match, match


@dataclass(frozen=True)
class Command:
    """One line of the palette, or of the window of keys.

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
    data : bool
        Whether it is one of many things of a kind, as an image or a class: actions come first.
    """

    title: str
    group: str
    keys: str = ""
    run: Callable[[], object] | None = None
    enabled: bool = True
    help: str = ""
    data: bool = False


def searched(commands: Iterable[Command], typed: str) -> list[tuple[Command, Match]]:
    """Commands whose title, or group and title, fit what was typed; the best first.

    What holds every typed word in one piece comes before what has its letters here and there;
    of those, actions come before data. Where nothing is typed, all of them in their order.
    """
    found: list[tuple[Command, Match]] = []
    words = typed.lower().split()
    for command in commands:
        fit = match(typed, command.title)
        if fit is None and _holds(command, words):
            whole = match(typed, f"{command.group} {command.title}")
            if whole is not None:
                start = len(command.group) + 1
                places = tuple(at - start for at in whole.places if at >= start)
                fit = Match(whole.score - 5, places)
        if fit is not None:
            found.append((command, fit))
    if words:
        found.sort(key=lambda pair: _rank(pair[0], pair[1], words))
    return found


def _rank(command: Command, fit: Match, words: list[str]) -> tuple[bool, bool, float, bool]:
    return not _holds(command, words), command.data, -fit.score, not command.enabled


def _holds(command: Command, words: list[str]) -> bool:
    """Whether every word stands in one piece in the group and title."""
    text = f"{command.group} {command.title}".lower()
    return all(word in text for word in words)
