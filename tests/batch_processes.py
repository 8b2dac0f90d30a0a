"""Faults of batches with real processes: starts them, and prints what it found as JSON.

It is a program of its own, so that each process is forked from one that has loaded the network: a
start then takes milliseconds.
"""

import json
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

import captum.attr  # noqa: F401 - saliency needs it: else each process would load it anew
import numpy as np
import torch
from PIL import Image

from pda_studio.batch.index import write_index
from pda_studio.batch.inputs import images_of
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.parts import Part
from pda_studio.batch.plan import Plan, PlannedMethod
from pda_studio.batch.results import ResultFolder, rows_in
from pda_studio.batch.running import Jobs
from pda_studio.classifiers import load_classifier
from pda_studio.errors import PdaStudioError

IMAGES, KILLS = 12, 50
FULL = 3  # exit status of a process whose disk is full


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    images = folder / "images"
    images.mkdir()
    for shift in range(IMAGES):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 6 + shift : 9 + shift] = 255
        Image.fromarray(pixels).save(images / f"{shift:02}.png")
    methods = (
        PlannedMethod(name="efficient-pda", parameters={"stride": 7, "window": 7}),
        PlannedMethod(name="saliency"),
    )
    plan = Plan(inputs=(str(images),), methods=methods)
    digits = load_classifier("digits", device="cpu")

    def carry_out(output: Path, part: Part, most_bytes: int | None = None) -> int:
        """The work of one process; its exit status."""
        results = ResultFolder(output)
        results.make()
        if most_bytes is not None:
            sys.dont_write_bytecode = True  # else Python keeps half of a compiled module
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
        share = part.of(images_of(plan.inputs))
        try:
            for _ in Jobs(plan, results, share, settings_of(plan), lambda _: digits).steps():
                pass
            write_index(results)
        except PdaStudioError as error:
            print(error, file=sys.stderr)
            return FULL
        return 0

    def started(output: Path, part: Part | None = None, most_bytes: int | None = None) -> int:
        process = os.fork()
        if not process:
            status = 9
            try:
                status = carry_out(output, part or Part(), most_bytes)
            finally:
                os._exit(status)
        return process

    def ended(processes: list[int]) -> list[int]:
        return [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in processes]

    found: dict[str, object] = {}
    single = folder / "single"
    assert ended([started(single)]) == [0]

    killed, moments = folder / "killed", random.Random(0)
    counts = []
    for _ in range(KILLS):
        process = started(killed)
        time.sleep(moments.uniform(0.005, 0.12))
        os.kill(process, signal.SIGKILL)
        counts += ended([process])
    found["kills"] = sum(status == -signal.SIGKILL for status in counts)
    found["after kills"] = ended([started(killed)])

    beside = folder / "beside"
    found["at once"] = ended([started(beside) for _ in range(3)])

    taken_over = folder / "taken over"
    first, second = started(taken_over), started(taken_over)
    time.sleep(0.1)
    os.kill(first, signal.SIGKILL)
    found["beside a killed one"] = ended([first, second])[1:]

    full = folder / "full"
    found["full status"] = ended([started(full, most_bytes=16_000)])
    found["rows before"] = _rows(full)
    found["after full"] = ended([started(full)])

    parts = folder / "parts"
    found["parts at once"] = ended([started(parts, Part(number, 3)) for number in (1, 2, 3)])

    expected = _maps(single)
    for output in (killed, beside, taken_over, full, parts):
        found[output.name] = {
            "rows": _rows(output),
            "same": _maps(output) == expected,
            "left over": [path.name for path in output.rglob(".*")],
        }
    print(json.dumps(found))


def _rows(output: Path) -> int:
    return sum(1 for path in ResultFolder(output).row_files() for _ in rows_in(path))


def _maps(output: Path) -> dict[str, list[str]]:
    """The bytes of every array of every map, without what tells the time."""
    found = {}
    for path in sorted((output / "maps").rglob("*.npz")):
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        metadata = json.loads(str(arrays.pop("metadata")))
        metadata["seconds"] = 0
        parts = [json.dumps(metadata), *(arrays[name].tobytes().hex() for name in sorted(arrays))]
        found[path.relative_to(output).as_posix()] = parts
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
