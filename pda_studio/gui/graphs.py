"""pyqtgraph without the bindings of CUDA that it looks for.

They come with PyTorch, take a tenth of the window's start to import, and serve one widget alone,
which is not used here.
"""

import sys

_KNOWN = "cuda" in sys.modules
if not _KNOWN:
    sys.modules["cuda"] = None  # type: ignore[assignment]  # to import it is an ImportError
try:
    import pyqtgraph as pg
finally:
    if not _KNOWN:
        del sys.modules["cuda"]

__all__ = ["pg"]
