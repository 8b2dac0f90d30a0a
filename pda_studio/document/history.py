"""Undo and redo: the works that were, and those that were taken back."""

from dataclasses import replace

from pda_studio.document.workspace import Workspace

_MOST = 200
_DRAWING, _LIMITS = -1, -2  # in place of a column's key
_ONE_MOVE = 1.0  # seconds within which such changes follow one another that are one move


class History:
    """Steps through earlier works.

    Works share what has not changed, so that many of them take little room.
    """

    def __init__(self) -> None:
        self._past: list[Workspace] = []
        self._future: list[Workspace] = []
        self._moved: tuple[int, float] | None = None

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back that can be done again."""
        return bool(self._future)

    def note(self, before: Workspace, after: Workspace, when: float) -> None:
        """Note an edit; a slider that is dragged, or a stroke, is one edit, not a hundred.

        Parameters
        ----------
        before, after : Workspace
            What was, and what is.
        when : float
            Time in seconds.
        """
        if before == after:
            return
        self._future.clear()
        what: int | None
        if _drawn_on(before, after):
            what = _DRAWING
        else:
            what = _LIMITS if _limited(before, after) else _reparametrised(before, after)
        moved, self._moved = self._moved, None if what is None else (what, when)
        if moved is not None and what == moved[0] and when - moved[1] < _ONE_MOVE and self._past:
            return
        self._past = [*self._past, before][-_MOST:]

    def undo(self, now: Workspace) -> Workspace | None:
        """The work before the last edit; None if there is none."""
        self._moved = None
        if not self._past:
            return None
        self._future.append(now)
        return self._past.pop()

    def redo(self, now: Workspace) -> Workspace | None:
        """The work that was taken back last; None if there is none."""
        self._moved = None
        if not self._future:
            return None
        self._past.append(now)
        return self._future.pop()

    def clear(self) -> None:
        """Forget everything: other work was opened."""
        self._past, self._future, self._moved = [], [], None


def _drawn_on(before: Workspace, after: Workspace) -> bool:
    """Whether the image is one that is being drawn, and a stroke is all that was added."""
    old, new = before.image, after.image
    if old is None or new is None or old is new or old.path is not None or new.path is not None:
        return False
    return old.name == new.name and replace(before, image=None) == replace(after, image=None)


def _limited(before: Workspace, after: Workspace) -> bool:
    """Whether display limits of images are all that has changed."""
    if before.image is after.image and before.rows is after.rows:
        return False
    if len(before.rows) != len(after.rows):
        return False
    pairs = [(before.image, after.image)]
    pairs += [(old.image, new.image) for old, new in zip(before.rows, after.rows, strict=True)]
    if any(
        old is not new and (old is None or new is None or old.image.values is not new.image.values)
        for old, new in pairs
    ):
        return False
    rows = tuple(
        replace(new, image=old.image) for old, new in zip(before.rows, after.rows, strict=True)
    )
    return replace(after, image=before.image, rows=rows) == before


def _reparametrised(before: Workspace, after: Workspace) -> int | None:
    """The key of the column whose parameters are all that has changed."""
    if len(before.columns) != len(after.columns):
        return None
    changed = [
        (old, new) for old, new in zip(before.columns, after.columns, strict=True) if old != new
    ]
    if len(changed) != 1 or replace(before, columns=()) != replace(after, columns=()):
        return None
    old, new = changed[0]
    same = type(old.method) is type(new.method)
    return new.key if same and replace(old, method=new.method) == new else None
