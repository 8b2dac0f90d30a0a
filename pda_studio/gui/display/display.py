"""How maps are shown, the same for all panels."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from psygnal import SignalGroupDescriptor

from pda_studio.rendering import Appearance

Theme = Literal["system", "light", "dark"]


@dataclass
class Display:
    """Settings of the display; `events` emits every change.

    Attributes
    ----------
    appearance : Appearance
        Style, colours, opacity, threshold and scale: one value that is replaced as a whole, as
        figures and files take it.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    appearance: Appearance = field(default_factory=Appearance)

    def change(self, **changes: Any) -> None:
        """Change some of the appearance's values."""
        self.appearance = self.appearance.replace(**changes)
