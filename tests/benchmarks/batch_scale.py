"""A batch of 200,000 jobs whose networks are a stub: memory, and what a job costs beside its map.

Run by hand: `python tests/benchmarks/batch_scale.py [--images 50000] [--settings 4]`. Everything
but the network is real: an image of `digits` is read for every job, its map, thumbnail and row are
written, and at the end the index and the contact sheet. The map is the same each time. It prints
the processor time of a job and the memory of the process every tenth of the way, what the index
takes, and what the same command takes again, when it finds nothing missing.

Of 200,000 jobs on a busy computer of two cores each tenth took 2.0 to 2.4 ms of CPU a job, the last
as much as the first. Memory was 619 MB at the start, which are PyTorch and what else is loaded, 672
after the first tenth and 675 at the end. Index and contact sheet took 18 s of CPU and 78 MB more
(753 MB at most), and the same command again 4 s to find nothing missing. With 200,000 finished
rows in 64 files (258 MB) it took 24 MB more to find what is missing.

On paper, 50,000 images with 4 methods on 64 GPUs: where a map takes 1 s, 200,000 maps take 52
minutes. A scheduler gets 782 tasks of 64 images, one in four seconds. Maps of 224 pixels are 300
KB: 60 GB in all, 19 MB and some 1,000 operations on files a second. The first thing that breaks is
the file server, once maps are quick: Grad-CAM at 30 a second and GPU is 600 MB and 20,000
operations a second. The next is the index where parts end apart: each that ends writes it anew,
with 21 s for all rows.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from pda_studio.batch.index import write_index
from pda_studio.batch.inputs import BatchImage
from pda_studio.batch.jobs import settings_of
from pda_studio.batch.plan import Plan, PlannedMethod
from pda_studio.batch.results import ResultFolder
from pda_studio.batch.running import Jobs
from pda_studio.classifiers import load_classifier
from pda_studio.images import Image
from pda_studio.methods import method_named, run
from pda_studio.results import Subject

DIGIT = Path(__file__).parents[2] / "resources" / "digits" / "samples" / "7.png"


def megabytes(name: str = "VmRSS") -> float:
    """The memory of this process, now or at its most (`VmHWM`)."""
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith(name)).split()[1]) / 1024


class Stopwatch:
    """Processor seconds of this process, of all its threads, and seconds on the clock."""

    def __init__(self) -> None:
        self.again()

    def again(self) -> None:
        """Begin anew."""
        self._cpu, self._clock = time.process_time(), time.perf_counter()

    def __str__(self) -> str:
        return f"{self.cpu:.1f} s of CPU, {time.perf_counter() - self._clock:.1f} s"

    @property
    def cpu(self) -> float:
        """Processor seconds."""
        return time.process_time() - self._cpu


def main() -> None:
    """Do the jobs, and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--settings", type=int, default=4)
    parser.add_argument("--output", type=Path, help="a folder on the drive to be tried")
    options = parser.parse_args()
    torch.set_num_threads(1)
    digits = load_classifier("digits", device="cpu")
    methods = tuple(
        PlannedMethod(name="efficient-pda", parameters={"stride": 7, "window": 7 + number})
        for number in range(options.settings)
    )
    plan = Plan(inputs=(str(DIGIT),), methods=methods)
    settings = settings_of(plan)
    images = [BatchImage(str(DIGIT), f"{number:06}.png") for number in range(options.images)]
    made: dict[str, tuple[Subject, object]] = {}

    def stub(image: Image, left: tuple, loaded: object, label: str) -> Iterator[tuple]:
        """Yield the first image's maps for every image."""
        for setting in left:
            if setting.name not in made:
                subject = Subject.of(image, digits, None, 8).with_fixed_batch()
                method = method_named("efficient-pda").create(digits, **setting.method.parameters)
                made[setting.name] = subject, run(method.steps(subject))
            yield setting, made[setting.name]

    def jobs() -> Jobs:
        work = Jobs(plan, results, images, settings, lambda _: digits)
        work._explaining.results = stub
        return work

    with tempfile.TemporaryDirectory(dir=options.output) as folder:
        results = ResultFolder(Path(folder))
        results.make()
        total = len(images) * len(settings)
        print(f"{total} jobs; at the start {megabytes():.0f} MB")
        watch, told = Stopwatch(), 0
        for step in jobs().steps():
            if step.row is not None and step.done * 10 // total > told:
                count = step.done - told * total // 10
                told = step.done * 10 // total
                print(
                    f"{step.done:7} done: {1000 * watch.cpu / count:.1f} ms of CPU a job"
                    f" ({watch}), {megabytes():.0f} MB",
                    flush=True,
                )
                watch.again()
        write_index(results)
        print(f"index and contact sheet: {watch}, {megabytes():.0f} MB, at most")
        print(f"  {megabytes('VmHWM'):.0f} MB; {results.sheet.stat().st_size >> 20} MB of sheet")
        if not os.fork():  # what is free of the above
            watch.again()
            for _ in jobs().steps():
                pass
            print(f"nothing missing: {watch}, at most {megabytes('VmHWM'):.0f} MB")
            os._exit(0)
        os.wait()


if __name__ == "__main__":
    main()
