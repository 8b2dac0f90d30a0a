"""Take the image of the window that the README shows, and write resources/screenshot.png.

Run it with a display, as ``xvfb-run -a -s "-screen 0 1600x1000x24" python
packaging/make_screenshot.py --weights squeezenet1_1.safetensors``, when the window looks different.
The cat is Chelsea, an image that comes with scikit-image.
"""

import argparse
import tempfile
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QSettings
from skimage.data import chelsea

from pda_studio.document.operations import Flip
from pda_studio.gui.app import _Watch
from pda_studio.gui.opening.clipboard import write_png
from pda_studio.gui.window.studio import Studio, application

OUTPUT = Path(__file__).resolve().parent.parent / "resources" / "screenshot.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="of squeezenet1_1; without it, torchvision's")
    weights = parser.parse_args().weights
    running = application()
    with tempfile.TemporaryDirectory() as folder:
        cat = Path(folder, "cat.png")
        Image.fromarray(chelsea()).save(cat)
        settings = QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat)
        studio = Studio(running, settings, cat, "squeezenet1_1", weights)
        studio.theme.choose("light")
        studio.window.resize(1400, 900)
        studio.show()
        watch, session = _Watch(studio), studio.session
        watch.until(lambda: bool(session.predictions))
        first = session.work.columns[0].key
        session.columns.configure(first, window=16, outer=26, stride=4)
        session.columns.add("consensus")
        session.rows.transform(Flip("horizontal"))
        session.select(session.work.rows[0].key, first)
        watch.until(lambda: bool(session.all_finished()))
        studio.window.strip.note("")
        watch.rest()
        write_png(studio.clipboard.image_of_window(), OUTPUT)
        studio.window.close()
        studio.close()
    print(f"Wrote {OUTPUT.name}.")


if __name__ == "__main__":
    main()
