"""Addresses of files that app.py serves from the workspace. st.image passes only `/app/static/` ones through unread."""

import html
from urllib.parse import quote

PICTURES = "/app/static"


def sample(run_id: str, file: str) -> str:
    return f"{PICTURES}/runs/{run_id}/samples/{quote(file)}"


def timelapse(run_id: str) -> str:
    return f"{PICTURES}/runs/{run_id}/timelapse.webp"


def contact(dataset_id: str, index: int) -> str:
    return f"{PICTURES}/datasets/{dataset_id}/contact/{index}.webp"


def export(export_id: str, file: str) -> str:
    return f"/api/exports/{export_id}/{quote(file)}"


def support_bundle() -> str:
    return "/api/support-bundle"


def download_link(href: str, file: str, label: str) -> str:
    """A same-tab anchor that downloads, as HTML for st.html; every part is escaped here."""
    style = "color: inherit; font-weight: 600; text-decoration: underline; overflow-wrap: anywhere"
    return (
        f'<a style="{style}" href="{html.escape(href, quote=True)}" download="{html.escape(file, quote=True)}">'
        f"{html.escape(label)}</a>"
    )
