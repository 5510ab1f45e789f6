import sys

from catwalk.cli import main

sys.exit(main())
