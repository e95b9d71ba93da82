"""Addresses of files that app.py serves from the workspace. st.image passes only `/app/static/` ones through unread."""

import html
from urllib.parse import quote

import plotly

PICTURES = "/app/static"


def sample(run_id: str, file: str) -> str:
    return f"{PICTURES}/runs/{run_id}/samples/{quote(file)}"


def samples(run_id: str) -> str:
    """The folder of a run's grids, with a slash at its end."""
    return f"{PICTURES}/runs/{run_id}/samples/"


def timelapse(run_id: str, format: str = "webp") -> str:
    return f"{PICTURES}/runs/{run_id}/timelapse.{format}"


def explored(run_id: str, job_id: str) -> str:
    """The folder of an exploration's pictures, with a slash at its end."""
    return f"{PICTURES}/runs/{run_id}/explore/{job_id}/"


def walked(run_id: str, job_id: str, file: str) -> str:
    return f"{PICTURES}/runs/{run_id}/walks/{job_id}/{quote(file)}"


def contact(dataset_id: str, index: int) -> str:
    return f"{PICTURES}/datasets/{dataset_id}/contact/{index}.webp"


def plotly_script() -> str:
    """plotly.js as the installed plotly has it; another version is another address, so that it may be kept for ever."""
    return f"{PICTURES}/plotly-{plotly.__version__}.min.js"


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
