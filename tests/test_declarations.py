"""What methods are is known in milliseconds: without PyTorch, and without the engine."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "captum", "zennit", "cv2", "scipy", "matplotlib", "numpy")

PROGRAM = """
import json, sys
from pda_studio.methods import METHODS, by_family
imported = sorted(sys.modules)
parameters = {name: len(kind.parameters()) for name, kind in METHODS.items()}
made = [kind().inactive() for kind in METHODS.values()]
by_family(METHODS.values())
print(json.dumps({"parameters": parameters, "modules": sorted(sys.modules), "imported": imported}))
"""


def test_declarations_load_no_engine() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120
    )
    told = json.loads(done.stdout)
    assert len(told["parameters"]) >= 23
    assert told["parameters"]["occlusion"] == 14
    loaded = set(told["modules"])
    assert not loaded & set(HEAVY)
    # pydantic looks for plugins among what is installed only once something is checked.
    assert "importlib.metadata" not in told["imported"]
    engine = ("attribution", "classifiers", "results", "store", "pda.forward", "pda.loop")
    assert [name for name in loaded if name.removeprefix("pda_studio.").startswith(engine)] == []


@pytest.mark.parametrize(
    ("words", "status"), [(["methods"], 0), (["predict", "none.png"], 1), (["--version"], 0)]
)
def test_what_needs_no_engine_does_not_wait_for_it(words: list[str], status: int) -> None:
    program = (
        "import sys; from pda_studio.cli import main; status = main(sys.argv[1:]);"
        " sys.exit(9 if 'torch' in sys.modules else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, check=False, timeout=120
    )
    assert done.returncode == status


def test_the_window_loads_no_engine_no_bindings_of_cuda_and_no_stand_ins_that_stay() -> None:
    """qtpy's modules are there, whole, for a notebook's other windows."""
    program = (
        "import sys; import pda_studio.gui.window.studio;"
        " engine = 'torch', 'cuda', 'scipy', 'matplotlib';"
        " print([name for name in (*engine, 'qtpy.QtWidgets') if name in sys.modules]);"
        " import qtpy.QtWidgets as widgets;"
        " print(widgets.QApplication.__module__, hasattr(widgets, '__file__'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines() == ["[]", "PySide6.QtWidgets True"]
