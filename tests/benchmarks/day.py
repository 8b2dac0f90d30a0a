"""A researcher's day: edits by mouse and keys while maps run; saved, closed, killed, reopened.

Run by hand: `python tests/benchmarks/day.py [--moments N] [--seed S]`, with
QT_QPA_PLATFORM=offscreen where there is no display. At each random moment the work is saved, or the
window is closed, or the process is killed; whatever is written is compared with what was on the
screen: rows, columns with all parameters, targets, classifiers, and every finished map. A short day
is one of the tests.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "gui"))

ENDS = ("kill", "save", "close")
_PATIENCE = 60.0
AUTOSAVED = 2.5  # seconds after an edit from which on it is in the recovery file


def in_words(work: Any) -> dict[str, Any]:
    """A workspace as values that are compared."""
    return {
        "image": work.image.digest if work.image else None,
        "classifier": str(work.classifier),
        "target": str(work.target),
        "rows": [[*map(str, row.operations), row.turned_back] for row in work.rows],
        "columns": [
            [repr(one.method), one.style, str(one.target), str(one.classifier)]
            for one in work.columns
        ],
    }


def digest(evidence: Any) -> str:
    """A map's values in short."""
    return hashlib.sha256(np.ascontiguousarray(evidence, np.float32).tobytes()).hexdigest()[:16]


# In the window's process


def sit_at_the_window(folder: Path, end: str, seed: int) -> int:
    """Show the window, and let a person work until the moment that `end` names."""
    from hands import Hands
    from PySide6.QtCore import QSettings, Qt

    from pda_studio.gui.app import _last_workspace
    from pda_studio.gui.jobs.worker import leave
    from pda_studio.gui.window.studio import Studio, application

    running = application()
    running.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    studio = Studio(running, settings, workspace=_last_workspace(settings))
    (folder / "images").mkdir(exist_ok=True)
    hands, log = Hands(folder / "images"), (folder / "log.jsonl").open("a", buffering=1)

    def note(*_: object) -> None:
        entry = {"at": time.time(), "work": in_words(studio.session.work), "maps": maps()}
        log.write(json.dumps(entry) + "\n")

    def maps() -> dict[str, str]:
        session, found = studio.session, {}
        for row_at, row in enumerate(session.work.rows):
            for column_at, column in enumerate(session.work.columns):
                one = session.finished(row, column)
                if one is not None:
                    found[f"{row_at},{column_at}"] = digest(one.evidence)
        return found

    def story() -> None:
        person = Person(hands, studio, random.Random(seed), folder)
        person.comes_back()
        hands.see(note)
        hands.see(lambda: studio.session.changed.connect(note))
        person.works()
        before = hands.see(maps)
        if end == "save":
            person.saves()
            hands.see(note)
            after = hands.see(maps)
            told = {"work": hands.see(lambda: in_words(studio.session.work))}
            told |= {"before": before, "after": after}
            (folder / "saved.json").write_text(json.dumps(told))
        hands.see(note)
        print("now", flush=True)
        if end == "kill":
            time.sleep(_PATIENCE)
        hands.press("Ctrl+Q")

    studio.show()
    hands.start(story)
    status = running.exec()
    studio.close()
    leave(status)


class Person:
    """Works at the window by mouse and keys, at random."""

    def __init__(self, hands: Any, studio: Any, chance: random.Random, folder: Path) -> None:
        self.hands, self.studio, self._random, self._folder = hands, studio, chance, folder

    def comes_back(self) -> None:
        """Wait for the window, and restore what a crash has left."""
        hands, window, session = self.hands, self.studio.window, self.studio.session
        hands.wait_for("image and classifier", lambda: session.work.image and session.predictions)
        left = hands.see(lambda: window.banner.isVisible() and window.banner.action_button.text())
        if left == "Restore":
            hands.click("Restore")
            hands.wait_for("restored work", window.banner.isHidden)
            hands.wait_for("predictions of it", lambda: bool(session.predictions))

    def works(self) -> None:
        """A few edits, with a map of many samples always on its way."""
        edits = [self.flips, self.rotates, self.chooses_a_class, self.adds, self.undoes]
        self.samples()
        for _ in range(self._random.randint(2, 5)):
            self._random.choice(edits)()
            time.sleep(self._random.uniform(0, 0.8))

    def samples(self) -> None:
        """Let the first column draw many samples: its maps take long."""
        session = self.studio.session
        key = session.work.columns[0].key
        samples = self._random.randint(100, 200)
        self.hands.see(
            lambda: session.columns.configure(key, infill="marginal-samples", samples=samples)
        )

    def flips(self) -> None:
        if len(self.studio.session.work.rows) < 4:
            self.hands.click(self._random.choice(("Flip left–right", "Flip top–bottom")))

    def rotates(self) -> None:
        if len(self.studio.session.work.rows) < 4:
            self.hands.press(self._random.choice(("Ctrl+L", "Ctrl+R")))

    def chooses_a_class(self) -> None:
        """Click one of the predictions."""
        shown = self.studio.window.predictions.list
        at = self._random.randint(0, 3)
        model = self.hands.see(shown.model)
        place = self.hands.see(lambda: shown.visualRect(model.index(at, 0)).center())
        self.hands.click_at(lambda: (shown.viewport(), place), "a class")

    def adds(self) -> None:
        if len(self.studio.session.work.columns) < 3:
            self.hands.menu("Edit", "Column", "Duplicate column")

    def undoes(self) -> None:
        if self.hands.see(self.studio.window.registry["undo"].isEnabled):
            self.hands.press("Ctrl+Z")

    def saves(self) -> None:
        """Ctrl+S, with a name the first time."""
        hands, saving = self.hands, self.studio.saving
        saved: list[Path] = []
        hands.see(lambda: saving.saved.connect(saved.append))
        hands.press("Ctrl+S")
        if saving.path is None:
            hands.answer_dialog(self._folder / "day.pdastudio")
        hands.wait_for("saved file", lambda: bool(saved))


# Beside it


def run(folder: Path, end: str, seed: int) -> None:
    """Let somebody work at the window, and end it at the moment."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--at", end, "--folder", str(folder), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    if end == "kill":
        process.send_signal(signal.SIGKILL)
    status = process.wait(_PATIENCE)
    process.stdout.close()
    assert said == "now", (end, said)
    assert end == "kill" or status == 0, (end, status)


def logged(folder: Path) -> list[dict[str, Any]]:
    """All that has been on the screen, in order."""
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Work and maps of a file, by their places in the grid."""
    from pda_studio.document.saved import load_state

    state = load_state(path)
    rows = {row.key: at for at, row in enumerate(state.work.rows)}
    columns = {column.key: at for at, column in enumerate(state.work.columns)}
    maps = {
        f"{rows[one.row]},{columns[one.column]}": digest(one.evidence_map.evidence)
        for one in state.maps
    }
    return in_words(state.work), maps


def compare_saved(folder: Path) -> None:
    """The file is what was on the screen as it was saved."""
    told = json.loads((folder / "saved.json").read_text())
    work, maps = read(folder / "day.pdastudio")
    assert work == told["work"]
    missing = told["before"].items() - maps.items()
    assert not missing, f"maps that were finished are not in the file: {missing}"
    unseen = maps.items() - told["after"].items()
    assert not unseen, f"maps of the file were not on the screen: {unseen}"


def compare_closed(folder: Path) -> None:
    """What the next start opens is what was on the screen at the end."""
    work, maps = read(folder / "recovery" / "last.pdastudio")
    last = logged(folder)[-1]
    assert work == last["work"]
    missing = last["maps"].items() - maps.items()
    assert not missing, f"maps that were finished are not in the file: {missing}"


def compare_killed(folder: Path, killed: float, within: float) -> None:
    """What the next start restores was on the screen at most moments before the end."""
    left = [p for p in (folder / "recovery").glob("*.pdastudio") if p.stem != "last"]
    newest = max(left, key=lambda path: path.stat().st_mtime, default=None)
    entries = logged(folder)
    old = [entry for entry in entries if entry["at"] <= killed - within]
    recent = [entry for entry in entries if entry["at"] > killed - within]
    possible = [entry["work"] for entry in (*old[-1:], *recent)]
    if newest is None:
        assert not old or len(recent) == len(entries), "an edit of seconds ago is not kept"
        return
    work, maps = read(newest)
    ages = [f"{killed - entry['at']:.1f} s" for entry in entries if entry["work"] == work]
    last = entries[-1]["work"]
    differs = {key: (work[key], last[key]) for key in work if work[key] != last[key]}
    when = f"it was {', '.join(ages)} before" if ages else f"it never was there: {differs}"
    assert work in possible, f"what is restored is not what was on the screen: {when}"
    kept = [entry["maps"] for entry in old if entry["work"] == work][-1:]
    lost = {one for entry in kept for one in entry.values()} - set(maps.values())
    assert not lost, f"maps that were there seconds before are not in the file: {lost}"


def day(moments: int, seed: int, folder: Path, within: float) -> list[str]:
    """Work through a day; returns how each of its parts ended."""
    chance, ends = random.Random(seed), []
    for at in range(moments):
        end = ENDS[at % len(ENDS)] if at < len(ENDS) else chance.choice(ENDS)
        run(folder, end, chance.randrange(1 << 30))
        killed = time.time()
        if end == "kill":
            compare_killed(folder, killed, within)
        else:
            compare_closed(folder)
        if end == "save":
            compare_saved(folder)
        ends.append(end)
    return ends


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--autosaved", type=float, default=AUTOSAVED, metavar="SECONDS")
    parser.add_argument("--at", choices=ENDS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.at:
        sys.exit(sit_at_the_window(arguments.folder, arguments.at, arguments.seed))
    os.environ["PDA_STUDIO_CACHE_SIZE"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        ends = day(arguments.moments, arguments.seed, Path(folder), arguments.autosaved)
        counts = ", ".join(f"{ends.count(one)} × {one}" for one in ENDS)
        print(f"Every file was what was on the screen: {counts}, {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
