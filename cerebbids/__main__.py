"""``python -m cerebbids``."""

import sys

from cerebbids.cli.run import main

if __name__ == "__main__":
    sys.exit(main())
