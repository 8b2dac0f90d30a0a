"""superqt's widgets without every class of Qt.

superqt reaches Qt through qtpy, which asks for all the classes of a module at once. Qt makes each
when it is first asked for: to make them all takes a tenth of the window's start. While superqt is
imported, qtpy's modules are stand-ins that hand on only what is asked for by name.
"""

import sys
from importlib import import_module
from types import ModuleType

_MODULES = ("QtCore", "QtGui", "QtWidgets")


class _OnDemand(ModuleType):
    """One of qtpy's modules, whose names are looked up in PySide6 one by one."""

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(f"PySide6.{self.__name__.rpartition('.')[2]}"), name)


_names = [f"qtpy.{module}" for module in _MODULES]
_lent = [] if "qtpy" in sys.modules else _names
sys.modules.update({name: _OnDemand(name) for name in _lent})
try:
    from superqt import QElidingLabel, QLargeIntSpinBox, QSearchableComboBox
    from superqt.utils import qimage_to_array
finally:
    for name in _lent:
        del sys.modules[name]

__all__ = ["QElidingLabel", "QLargeIntSpinBox", "QSearchableComboBox", "qimage_to_array"]
