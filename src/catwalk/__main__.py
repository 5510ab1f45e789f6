"""The command's first lines: nothing that another tool's modules could hide is imported before they ran."""

import sys

from catwalk.core import python_path


def main() -> int:
    """Run the command; the exit code as ``cli.main``'s."""
    python_path.leave_out_what_shadows()
    from catwalk import cli
    from catwalk.core import processes

    code = cli.main()
    processes.leave_in_peace()
    return code


if __name__ == "__main__":
    sys.exit(main())
