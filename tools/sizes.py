"""Holds files and functions to their sizes; part of ``make lint``. What is too long is named, a line each.

.venv/bin/python tools/sizes.py
"""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = {"README.md": 150, "Makefile": 110}  # lines; a target takes three of the Makefile's
MODULE = 300  # lines
FUNCTION = 60  # lines
NINE_OF_TEN = 30  # lines that nine of ten functions do not exceed


def functions(module: Path) -> dict[str, int]:
    """Lines of each function of a module."""
    found = {}
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[f"{module.relative_to(ROOT)}:{node.lineno}: {node.name}"] = (
                (node.end_lineno or 0) - node.lineno + 1
            )
    return found


def main() -> None:
    modules = sorted((ROOT / "src").rglob("*.py"))
    limits = {ROOT / name: most for name, most in FILES.items()} | dict.fromkeys(modules, MODULE)
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in limits}
    wrong = [
        f"{file.relative_to(ROOT)}: {lines[file]} lines, at most {most}"
        for file, most in limits.items()
        if lines[file] > most
    ]
    sizes = {name: size for module in modules for name, size in functions(module).items()}
    wrong += [f"{name}: {size} lines, at most {FUNCTION}" for name, size in sizes.items() if size > FUNCTION]
    usual = sorted(sizes.values())[len(sizes) * 9 // 10]
    if usual > NINE_OF_TEN:
        wrong.append(f"nine of ten functions have up to {usual} lines, at most {NINE_OF_TEN}")
    said = f"{len(modules)} modules, {len(sizes)} functions; nine of ten up to {usual} lines"
    print("\n".join(wrong) or said)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
