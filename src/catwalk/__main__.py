"""The command's first lines: nothing that another tool's modules could hide is imported before they ran."""

import sys

from catwalk import python_path


def main() -> int:
    """Run the command; the exit code as ``cli.main``'s."""
    python_path.leave_out_what_shadows()
    from catwalk import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
