"""What every study in the registry promises: the same table again, and to go on where it was.

A new study is held to it without an edit here: what it takes is known by its needs, and numbers
that cost time are made small by their names.
"""

import csv
import io
import random
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.utils._python_dispatch import TorchDispatchMode

from pda_studio.classifiers import load_classifier
from pda_studio.experiments import speed, times, trials
from pda_studio.experiments.random_weights import layers_with_weights, randomised
from pda_studio.images import read_image
from pda_studio.methods import method_named
from pda_studio.pda import forward
from pda_studio.pda.forward.choice import Speeds
from pda_studio.pda.options import REPEATABLE
from pda_studio.results import Subject
from pda_studio.store.entries import Entries
from pda_studio.studies import STUDIES, ClassifierInput, Inputs, Study, StudyResult

SMALL = {
    "images": 2, "samples": 2, "repeats": 2, "map_samples": 2, "top": 2, "epochs": 1, "climb": 3,
    "deepest": 50, "filters": 32, "units": 32, "depths": 2, "training": 60, "count": 20, "parts":
    9, "block": 7, "curve_steps": 4, "descent": 2, "stride": 4, "batch": 4, "rounds": 1, "each":
    4, "kernel": 5,
}  # fmt: skip
"""Parameters by their names, of whatever study."""
OWN = {
    "affine-regions": {"units": 3, "layers": 2},
    "all-digits": {"window": 7, "stride": 7},
    "approximation": {"samples": 3},
    "class-rules": {"images": 6, "index": 1, "members": "all", "least": 0},
    "fidelity": {"order": "blocks"},
    "invariance": {"kind": "flips"},
    "map-clusters": {"images": 6, "index": 1, "members": "all", "embedding": "spectral"},
    "sweep": {"vary": "stride", "smallest": 4, "largest": 8, "count": 2},
}
"""Of single studies, where these do not do."""
TIMES = {
    "time": {"batch_seconds", "infill_seconds", "forward_seconds", "seconds", "infill_share"},
    "speed": {"setting", "windows_per_second", "ratio", "error", "rank_correlation", "map_seconds",
              "peak_memory"},
}  # fmt: skip
"""Columns that a clock fills, or what it chose."""


class Work(TorchDispatchMode):
    """How many numbers all convolutions and products of matrices gave."""

    done = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in ("convolution", "mm", "addmm", "convolution_backward"):
            self.done += sum(one.numel() for one in _tensors(made))
        return made


def _tensors(made):
    return [one for one in (made if isinstance(made, tuple) else [made]) if one is not None]


@dataclass(frozen=True)
class Ran:
    """What came of a run: what the table holds but for times, the work, and what was kept."""

    table: list[str]
    work: int
    kept: list[str]


def bar(place, upright):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, place : place + 3] = 255
    return pixels if upright else pixels.T


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Six bars, in a folder for each of two classes, and weights of a training's steps."""
    home = tmp_path_factory.mktemp("studies")
    for name in ("1", "7"):
        (home / "images" / name).mkdir(parents=True)
        for place in (6, 11, 17):
            path = home / "images" / name / f"{place:02}.png"
            Image.fromarray(bar(place, name == "1")).save(path)
    (home / "weights").mkdir()
    digits = load_classifier("digits", device="cpu")
    names = tuple(name for group in layers_with_weights(digits) for name in group)
    for step, made in enumerate((randomised(digits, names, 0), digits)):
        weights = {name: one.contiguous() for name, one in made.network.state_dict().items()}
        save_file(weights, home / "weights" / f"step-{step}.safetensors")
    return home


def study_of(kind: type[Study], home: Path) -> Study:
    """The smallest that makes sense."""
    names = kind.model_fields
    values = {name: value for name, value in SMALL.items() if name in names}
    values |= {"folder": home / "images"} if "folder" in names else {}
    values |= {"checkpoints": home / "weights"} if "checkpoints" in names else {}
    return kind.of_values(values | OWN.get(kind.name, {}))


def inputs_of(kind: type[Study], home: Path) -> Inputs:
    """All that a study may need; nothing of it has been used before."""
    if kind.alone:
        return Inputs([])
    classifier = load_classifier("digits", device="cpu")
    pixels = read_image(home / "images" / "1" / "11.png")
    chosen = {"saliency": {}, "smooth-grad": {"samples": 2}}
    if kind.name == "sweep":
        chosen = {"occlusion": REPEATABLE}

    def explained(loaded):
        return Subject.of(pixels, loaded)

    several = 1 + ("classifiers" in kind.needs)
    return Inputs(
        [ClassifierInput("digits", lambda: classifier)] * several,
        lambda: explained(classifier),
        "11.png",
        lambda loaded: [method_named(name).create(loaded, **own) for name, own in chosen.items()],
        read_image,
        explained=explained,
    )


def table_of(kind: type[Study], result: StudyResult) -> list[str]:
    """The table's text, line by line, without the columns that no two runs share."""
    text = result.table.csv()
    if kind.repeatable:
        return text.splitlines()
    shown = [column for column in result.table.columns if column.key not in TIMES[kind.name]]
    rows = csv.DictReader(io.StringIO(text))
    return [",".join(row[column.key] for column in shown) for row in rows]


def carried_out(kind: type[Study], home: Path, run: int, cache: Path, *, stop: bool = False) -> Ran:
    """Carry a study out; to its end, or until half of it is done and something is known."""
    random.seed(run)
    np.random.seed(run)  # noqa: NPY002
    torch.manual_seed(run)
    with pytest.MonkeyPatch.context() as patched, Work() as work:
        patched.setenv("PDA_STUDIO_CACHE", str(cache))
        kept: list[str] = []
        keep = Entries.keep
        patched.setattr(Entries, "keep", lambda *given: kept.append(given[1]) or keep(*given))
        # The clock says something else in each run.
        told = Speeds(1, 2, 3) if run % 2 else Speeds(2, 1, 3)
        patched.setattr(forward, "speeds", lambda *_: told)
        patched.setattr(trials, "_TRIAL", 0.02)
        patched.setattr(times, "_ROUNDS", 1)
        patched.setattr(speed, "compare", partial(speed.compare, seconds=0.01))
        patched.setattr(speed, "_TRIAL", 0.01)
        patched.setattr(speed, "BATCHES", (2, 4))
        patched.setattr(speed, "peak_memory", lambda work, _: work())
        steps = study_of(kind, home).steps(inputs_of(kind, home))
        for step in steps:
            if stop and kept and step.result and 2 * step.done >= step.total:
                steps.close()
                break
        assert step.result is not None
        return Ran(table_of(kind, step.result), work.done, kept)


@pytest.mark.parametrize("name", STUDIES)
def test_the_same_command_gives_the_same_table_and_goes_on_where_it_was(name, images, tmp_path):
    kind = STUDIES[name]
    assert kind.repeatable == (name not in TIMES)
    unstopped = carried_out(kind, images, 0, tmp_path / "one")
    stopped = carried_out(kind, images, 1, tmp_path / "other", stop=True)
    resumed = carried_out(kind, images, 2, tmp_path / "other")
    assert unstopped.table
    assert resumed.table == unstopped.table
    assert stopped.kept
    assert not set(stopped.kept) & set(resumed.kept), "nothing is computed again"
    assert set(stopped.kept) | set(resumed.kept) == set(unstopped.kept)
    assert resumed.work < unstopped.work or not unstopped.work
