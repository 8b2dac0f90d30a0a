"""How much Python runs between a person's step and the engine: calls, files, changes of file.

Counted with `sys.setprofile` on the program's own files, in the window's thread and the engine's:

- from one step of the window slider to the beginning of the method's `steps`: the first one, which
  may trace the network for a preview, and the next one,
- from a click on a class whose scores are there to the panel with its map.

    python tests/benchmarks/calls.py [--most 600] [--list]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import FrameType

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

HOME = Path(__file__).resolve().parents[2] / "pda_studio"
_LONGEST = 300.0  # seconds


@dataclass
class Counted:
    """What ran: calls by file and function, and how often the file changed.

    Attributes
    ----------
    calls : Counter
        How often each function of each file was called.
    changes : int
        How often a call was from one file into another.
    """

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: int = 0

    @property
    def total(self) -> int:
        """All calls."""
        return self.calls.total()

    @property
    def files(self) -> set[str]:
        """All files."""
        return {file for file, _ in self.calls}

    def __str__(self) -> str:
        return f"{self.total} calls in {len(self.files)} files, {self.changes} changes of file"


class Counting:
    """Counts until it is told to stop, in all threads that it is installed in.

    Parameters
    ----------
    until : callable
        Of a frame that is entered, whether counting ends there.
    """

    def __init__(self, until: Callable[[FrameType], bool]) -> None:
        self.counted = Counted()
        self.over = False
        self._until = until
        self._last: dict[int, str] = {}
        self._home = str(HOME) + os.sep

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Count a call; for `sys.setprofile`."""
        if event != "call" or self.over:
            return
        file = frame.f_code.co_filename
        if not file.startswith(self._home):
            return
        if self._until(frame):
            self.over = True
            return
        file = file.removeprefix(self._home)
        self.counted.calls[file, frame.f_code.co_qualname] += 1
        thread = threading.get_ident()
        if self._last.get(thread, file) != file:
            self.counted.changes += 1
        self._last[thread] = file


def count() -> dict[str, Counted]:
    """Open a window and count in it."""
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from pda_studio.gui.window.studio import Studio, application
    from pda_studio.targets import ClassTarget

    app = application()
    assert isinstance(app, QApplication)
    counting: list[Counting] = []

    def profile(*arguments: object) -> None:
        if counting:
            counting[0](*arguments)  # type: ignore[arg-type]

    with tempfile.TemporaryDirectory() as folder:
        os.environ["PDA_STUDIO_CACHE"] = folder
        settings = QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat)
        studio = Studio(app, settings)
        studio.show()

        def wait(is_so: Callable[[], bool]) -> None:
            end = monotonic() + _LONGEST
            while not is_so():
                app.processEvents()
                if monotonic() > end:
                    raise TimeoutError

        def rest() -> None:
            end = monotonic() + 1.5
            while monotonic() < end:
                app.processEvents()

        session = studio.session
        try:
            wait(lambda: bool(session.all_finished()))
            lanes: list[object] = []
            for queue in (
                studio.jobs.start_short,
                studio.jobs.read,
            ):  # Qt's threads know no threading
                queue(lambda: sys.setprofile(profile), lanes.append, lambda *_: None)
            wait(lambda: len(lanes) == 2)
            rest()
            found = {}
            spin = studio.window.method_box.rows["window"].spin
            for name in ("first window slider step → steps()", "next one → steps()"):
                begun = Counting(
                    lambda frame: (
                        frame.f_code.co_name == "steps"
                        and "prediction_difference" in frame.f_code.co_filename
                    )
                )
                counting.append(begun)
                sys.setprofile(profile)
                spin.setValue(spin.value() + 1)
                wait(lambda begun=begun: begun.over)
                sys.setprofile(None)
                counting.clear()
                found[name] = begun.counted
                wait(lambda: bool(session.all_finished()))
                rest()

            target = next(at for at in range(10) if at != session.target.index)
            shown = Counting(lambda _: False)
            counting.append(shown)
            sys.setprofile(profile)
            studio.window.predictions.chosen.emit(target)
            key = 0, session.work.columns[0].key

            def is_there() -> bool:  # read without a call of the program's, which would count
                panel = session.panels[key]
                asked = panel.request.target if panel.request else None
                return panel.state == "done" and asked == ClassTarget(target)

            wait(is_there)
            sys.setprofile(None)
            counting.clear()
            found["target whose scores are there → map"] = shown.counted
        finally:
            studio.window.close()
            studio.close()
    return found


def main() -> int:
    """Print the counts; with `--most`, fail if one of them is larger."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--most", type=int, help="calls at most")
    parser.add_argument("--list", action="store_true", help="print the files and functions")
    arguments = parser.parse_args()
    counts = count()
    for name, counted in counts.items():
        print(f"{name}: {counted}")
        if arguments.list:
            by_file: Counter[str] = Counter()
            for (file, _), calls in counted.calls.items():
                by_file[file] += calls
            for file, calls in by_file.most_common():
                print(f"  {calls:5} {file}")
                for (where, function), times in counted.calls.most_common():
                    if where == file:
                        print(f"        {times:5} {function}")
    if arguments.most and any(one.total > arguments.most for one in counts.values()):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
