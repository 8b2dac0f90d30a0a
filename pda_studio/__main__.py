"""Run PDA Studio as `python -m pda_studio`."""

import sys

from pda_studio.cli import main

if __name__ == "__main__":
    sys.exit(main())
