"""Entry point of the command: cleans the import path first, so that nothing shadows an import."""

import sys

from catwalk.core import python_path


def main() -> int:
    """Run the command and return the exit code of ``cli.main``."""
    python_path.leave_out_what_shadows()
    from catwalk import cli
    from catwalk.core import stop_signals

    code = cli.main()
    stop_signals.leave_in_peace()
    return code


if __name__ == "__main__":
    sys.exit(main())
