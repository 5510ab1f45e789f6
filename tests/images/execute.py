"""Executes a notebook by the nbclient and the kernel of the environment whose Python runs this.

Called as ``execute.py <notebook> <folder> <executed notebook> <JSON of the settings>``. The exit code is 1
where a cell fails, and the executed notebook is written all the same.
"""

import json
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main(source: str, folder: str, target: str, settings: str) -> int:
    notebook = nbformat.read(source, as_version=4)
    (given,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    given.source += "".join(f"\n{name} = {value!r}" for name, value in json.loads(settings).items())
    client = NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    try:
        client.execute()
    except CellExecutionError:
        return 1
    finally:
        nbformat.write(notebook, Path(target))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
