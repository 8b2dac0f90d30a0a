"""The whole way of a study, driven as a person would: by mouse and keys on a real display.

Needs a display (under Xvfb: `xvfb-run -a -s "-screen 0 1600x1000x24" pytest …`) and the data
folder. An image of every step goes into the folder that PDA_STUDIO_IMAGES names.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("journey.py")
IMAGES = 19, 4
"""How many each act takes, at least."""


@pytest.mark.xdist_group("display")
@pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="needs an X display")
def test_a_study_by_mouse_and_keys(tmp_path: Path, data_folder: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb", "OMP_NUM_THREADS": "1"}
    for act, least in zip(("first_act", "second_act"), IMAGES, strict=True):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), act, str(tmp_path), str(data_folder)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        taken = sorted((tmp_path / "images").glob("*.png"))
        keep(taken, act)
        assert done.returncode == 0, done.stderr
        assert len(taken) >= least
        for image in taken:
            image.unlink()


def keep(images: list[Path], act: str) -> None:
    folder = os.environ.get("PDA_STUDIO_IMAGES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for image in images:
            shutil.copy(image, Path(folder, f"{act} {image.name}"))
