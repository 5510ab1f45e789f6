"""HTML: a self-contained page from a template in ``assets/``; data are escaped."""

import base64
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent / "assets"  # fonts, templates, styles


def render(template: str, **content: Any) -> str:
    """Render a template with ``content``, and with the embedded font as ``font``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined)
    font = base64.b64encode((ASSETS / "inter-tight.woff2").read_bytes()).decode()
    return environment.get_template(template).render(font=font, **content)
