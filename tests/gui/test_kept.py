"""Maps on the disk, as the window finds and keeps them."""

from pathlib import Path

import numpy as np
import pytest
from driver import WAIT, Opened, start_slow_map, wait_for_maps
from pytestqt.qtbot import QtBot

from pda_studio.cli import main
from pda_studio.gui.window.studio import Studio
from pda_studio.methods import METHODS
from pda_studio.store import DiskCache
from pda_studio.targets import ClassTarget

pytestmark = pytest.mark.empty_cache


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods that have begun to compute; previews, which a busy computer shows, are none."""
    begun: list[str] = []
    for name, kind in METHODS.items():
        steps = kind.steps

        def counted(*given, name=name, steps=steps):
            if getattr(given[0], "forward", "") != "linearised":
                begun.append(name)
            return steps(*given)

        monkeypatch.setattr(kind, "steps", counted)
    return begun


def entries(folder: Path) -> list[Path]:
    return list(folder.glob("*.map"))


def first_map(studio: Studio):
    return studio.session.all_finished()[0]


def test_after_a_restart_the_map_is_there_at_once(
    opened: Opened, qtbot: QtBot, computed: list[str], cache_folder: Path
) -> None:
    studio = opened()
    before = first_map(studio)
    studio.session.columns.configure(0, window=6)
    wait_for_maps(qtbot, studio)
    studio.window.close()
    assert computed == ["efficient-pda"] * 2
    assert len(entries(cache_folder)) == 2, "the last one is written although the window is closed"

    again = opened(finished=False)
    qtbot.waitUntil(lambda: bool(again.session.predictions), timeout=WAIT)
    wait_for_maps(qtbot, again)
    assert computed == ["efficient-pda"] * 2
    np.testing.assert_array_equal(first_map(again).evidence, before.evidence)
    assert first_map(again).seconds == before.seconds
    assert first_map(again).scores is not None

    again.session.columns.configure(0, window=6)
    wait_for_maps(qtbot, again)
    again.session.columns.configure(0, window=6, stride=2, difference="logit")
    again.session.set_target(7)
    wait_for_maps(qtbot, again)
    assert (first_map(again).target, first_map(again).unit) == (ClassTarget(7), "logit")
    assert first_map(again).parameters["stride"] == 2
    assert computed == ["efficient-pda"] * 2


def test_a_coarser_stride_needs_no_forward_pass(
    studio: Studio, qtbot: QtBot, computed: list[str], cache_folder: Path
) -> None:
    computed.clear()
    studio.session.columns.configure(0, stride=4)
    wait_for_maps(qtbot, studio)
    studio.session.columns.configure(0, stride=2)
    wait_for_maps(qtbot, studio)
    assert first_map(studio).parameters["stride"] == 2
    assert computed == []
    assert len(entries(cache_folder)) == 1, "what is drawn anew is not kept once more"


def test_a_kept_map_is_shown_while_another_is_computed(
    opened: Opened, qtbot: QtBot, computed: list[str]
) -> None:
    studio = opened()
    key = studio.session.columns.add("occlusion").key
    wait_for_maps(qtbot, studio)
    studio.window.close()
    again = opened()
    start_slow_map(qtbot, again)
    computed.clear()
    key = again.session.columns.add("occlusion").key
    again.session.columns.configure(key, infill="grey", samples=10)
    qtbot.waitUntil(lambda: again.session.panel(0, key).state == "done", timeout=WAIT)
    assert "occlusion" not in computed
    assert again.session.panel(0, 0).state == "running"
    again.stop()


def test_stopped_maps_are_not_kept(studio: Studio, qtbot: QtBot, cache_folder: Path) -> None:
    start_slow_map(qtbot, studio)
    studio.stop()
    qtbot.wait(300)
    studio.window.close()
    assert len(entries(cache_folder)) == 1, "that of the first sample"


def test_a_damaged_entry_is_computed_anew(
    opened: Opened, qtbot: QtBot, computed: list[str], cache_folder: Path
) -> None:
    opened().window.close()
    (path,) = entries(cache_folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    studio = opened()
    assert computed == ["efficient-pda"] * 2
    assert np.isfinite(first_map(studio).evidence).all()
    studio.window.close()
    assert path.read_bytes() != bytes(data), "and kept again"


def test_the_window_works_without_a_cache(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, cache_folder: Path
) -> None:
    cache_folder.write_bytes(b"a file in the place of the folder")
    studio = opened()
    assert first_map(studio).complete
    studio.window.close()
    monkeypatch.setenv("PDA_STUDIO_CACHE_SIZE", "0")
    assert first_map(opened()).complete


def test_a_lookup_that_fails_is_no_failure(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_):
        raise RuntimeError("the shelf fell down")

    monkeypatch.setattr(DiskCache, "find", broken)
    monkeypatch.setattr(DiskCache, "keep", broken)
    studio = opened()
    assert first_map(studio).complete
    assert studio.session.panel(0, 0).state == "done"


def test_the_command_line_keeps_maps_for_the_window(
    opened: Opened, computed: list[str], tmp_path: Path
) -> None:
    from pda_studio.gui.opening.opening import sample_digits

    path = str(sample_digits()[2])
    assert main(["explain", path, "--output", str(tmp_path / "map.npz")]) == 0
    assert computed == ["efficient-pda"]
    studio = opened(image=Path(path))
    assert first_map(studio).target_name == "2"
    assert computed == ["efficient-pda"]
