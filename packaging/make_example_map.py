"""Draw the map of the first sample digit and write resources/digits/example_map.png.

The window shows it while the engine starts, and then computes the same map itself: efficient PDA
as it comes, of the sample that the window opens first. Run it as
``python packaging/make_example_map.py`` whenever the sample, the digit classifier or the colours
have changed; a test compares the file with the computed map.
"""

from pathlib import Path

from PIL import Image

from pda_studio import explain, load_classifier, load_image
from pda_studio.gui.opening.opening import FIRST_SAMPLE
from pda_studio.rendering import Appearance, overlay

DIGITS = Path(__file__).resolve().parent.parent / "resources" / "digits"


def main() -> None:
    sample = load_image(DIGITS / "samples" / f"{FIRST_SAMPLE}.png")
    evidence_map = explain(sample, load_classifier("digits"))
    drawn = overlay(evidence_map, Appearance(), evidence_map.limit)
    Image.fromarray(drawn).save(DIGITS / "example_map.png", optimize=True)
    print(f"Wrote the map of “{evidence_map.target_name}”, {drawn.shape[0]}×{drawn.shape[1]}.")


if __name__ == "__main__":
    main()
