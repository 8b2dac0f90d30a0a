"""Make the index of networks by names and shapes that ships in `resources/architectures.json`.

    python packaging/make_architectures.py

Every classification network of torchvision's and of the installed timm's is built without values,
which takes five minutes.
"""

from pathlib import Path

from pda_studio.classifiers import classifier_names
from pda_studio.classifiers.index import as_text, grouped
from pda_studio.classifiers.outlines import TIMM, Outline, outline_of, timm_library
from pda_studio.errors import PdaStudioError

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    names = [*classifier_names(), *(TIMM + name for name in timm_library().list_models())]
    outlines: dict[str, Outline] = {}
    for name in names:
        try:
            outlines[name] = outline_of(name)
        except PdaStudioError as error:  # a few of timm's are no classifiers
            print(error)
    groups = grouped(outlines)
    (ROOT / "resources" / "architectures.json").write_text(as_text(groups))
    print(f"{len(outlines)} of {len(names)} networks in {len(groups)} groups")


if __name__ == "__main__":
    main()
