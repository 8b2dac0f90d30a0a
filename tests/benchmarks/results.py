"""How fast the grid of 50,000 results opens and scrolls, and what it holds in memory.

Run with: QT_QPA_PLATFORM=offscreen python tests/benchmarks/results.py [COUNT]
"""

import io
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from PySide6.QtCore import QSettings
from PySide6.QtTest import QTest

from pda_studio.batch.index import SCHEMA, plain_row
from pda_studio.batch.results import ResultFolder
from pda_studio.gui.window.studio import Studio, application

SEED, FRAMES, STEP = 20261127, 400, 60  # pixels a frame: 3,000 a second at 50 frames


def made(folder: Path, count: int) -> None:
    """A folder of so many results: an index, and a thumbnail for each."""
    results = ResultFolder(folder)
    results.make()
    rng = np.random.default_rng(SEED)
    noise = rng.integers(0, 256, (64, 128, 128, 3), dtype=np.uint8)
    files = []
    for pixels in noise:
        memory = io.BytesIO()
        small = Image.fromarray(pixels).resize((16, 16)).resize((128, 128))
        small.save(memory, "JPEG", quality=88)
        files.append(memory.getvalue())
    (folder / "thumbnails" / "net-grad-cam-1").mkdir()
    rows = []
    for at in range(count):
        image = f"class {at % 1000}/image{at}.jpg"
        thumbnail = f"thumbnails/net-grad-cam-1/{at}.jpg"
        (folder / thumbnail).write_bytes(files[at % len(files)])
        confidence = float(rng.random())
        rows.append(
            plain_row(
                {
                    "job": f"net-grad-cam-1/{image}", "setting": "net-grad-cam-1", "image": image,
                    "path": f"/{image}", "label": f"class {at % 1000}", "method": "grad-cam",
                    "title": "Grad-CAM", "predicted": f"class {int(rng.integers(1000))}",
                    "top_classes": [f"class {at % 1000}"], "top_probabilities": [confidence],
                    "probability": confidence, "largest": float(rng.random()), "smallest": 0.0,
                    "agreement": float(rng.uniform(-1, 1)), "overlap": confidence,
                    "unit": "bits", "parameters": {}, "thumbnail": thumbnail, "finished": 1.0,
                }
            )
        )  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), results.index, compression="zstd")


def main(count: int) -> None:
    """Measure, and print the numbers as JSON."""
    running = application()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "results")
        made(folder, count)
        settings = QSettings(str(Path(name, "settings.ini")), QSettings.Format.IniFormat)
        studio = Studio(running, settings)
        studio.show()
        while not studio.session.all_finished():
            running.processEvents()
        QTest.qWait(8000)  # until what the start leaves to the background is done
        studio.results.open(Path(name, "results", "..", "results"))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, used = time.perf_counter(), time.process_time()
        while studio.results.grid is None or not studio.results.grid.isVisible():
            running.processEvents()
        running.processEvents()
        opened, busy = time.perf_counter() - began, time.process_time() - used
        grid = studio.results.grid
        while not set(grid.grid.visible_rows()) <= set(grid.thumbnails.kept):
            running.processEvents()
        seen = time.perf_counter() - began
        bar, frames, worked = grid.grid.verticalScrollBar(), [], []
        for _ in range(FRAMES):
            start, used = time.perf_counter(), time.thread_time()
            bar.setValue(bar.value() + STEP)
            running.processEvents()
            frames.append(time.perf_counter() - start)
            worked.append(time.thread_time() - used)
        jumps = []
        for place in np.linspace(0, bar.maximum(), 50):
            start = time.perf_counter()
            bar.setValue(int(place))
            running.processEvents()
            jumps.append(time.perf_counter() - start)
        sorting = {}
        for column, text in (
            ("confidence", ""),
            ("image", ""),
            ("agreement", ""),
            ("predicted", "class 7"),
        ):
            start, before = time.perf_counter(), grid.model.order
            grid.order_wanted.emit(text, column, True)
            while grid.model.order is before:
                running.processEvents()
            sorting[f"{column} {text}".strip()] = round(time.perf_counter() - start, 3)
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        told = {
            "results": count,
            "opened s": round(opened, 2),
            "opened, processor s": round(busy, 2),
            "first thumbnails s": round(seen, 2),
            "frame ms, median": round(1000 * float(np.median(frames)), 2),
            "frame ms, p99": round(1000 * float(np.quantile(frames, 0.99)), 2),
            "frame processor ms, p99": round(1000 * float(np.quantile(worked, 0.99)), 2),
            "frames/s, median": round(1 / float(np.median(frames))),
            "jump ms, median": round(1000 * float(np.median(jumps)), 2),
            "jump ms, longest": round(1000 * max(jumps), 2),
            "sort and filter s": sorting,
            "memory MB": round(more / 1024),
        }
        print(json.dumps(told, indent=1))
        studio.window.close()
        studio.close()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
