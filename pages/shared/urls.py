"""Addresses of the files that app.py serves from the workspace. st.image passes addresses under /app/static/ through unread."""

import html
from urllib.parse import quote

import plotly
import streamlit as st

import visitor
from gan_core.access import signed_links

STATIC = "/app/static"


def sample(run_id: str, file: str) -> str:
    return f"{STATIC}/runs/{run_id}/samples/{quote(file)}"


def samples(run_id: str) -> str:
    """The folder of a run's grids, with a slash at its end."""
    return f"{STATIC}/runs/{run_id}/samples/"


def timelapse(run_id: str, format: str = "webp") -> str:
    return f"{STATIC}/runs/{run_id}/timelapse.{format}"


def explored(run_id: str, job_id: str) -> str:
    """The folder of an exploration's images, with a slash at its end."""
    return f"{STATIC}/runs/{run_id}/explore/{job_id}/"


def walked(run_id: str, job_id: str, file: str) -> str:
    return f"{STATIC}/runs/{run_id}/walks/{job_id}/{quote(file)}"


def contact(dataset_id: str, index: int) -> str:
    return f"{STATIC}/datasets/{dataset_id}/contact/{index}.webp"


def plotly_script() -> str:
    """plotly.js of the installed plotly. The address has its version, so that browsers can cache it for ever."""
    return f"{STATIC}/plotly-{plotly.__version__}.min.js"


def signed(path: str) -> str:
    """The address of a download for the visitor of this page, for a few minutes. path: without escapes."""
    return signed_links.sign(path, visitor.name(st.context), visitor.secret())


def export(export_id: str, file: str) -> str:
    return signed(f"/api/exports/{export_id}/{file}")


def support_bundle() -> str:
    return signed("/api/support-bundle")


def download_link(href: str, file: str, label: str) -> str:
    """The HTML of a download link, for st.html; every part is escaped."""
    style = "color: inherit; font-weight: 600; text-decoration: underline; overflow-wrap: anywhere"
    return (
        f'<a style="{style}" href="{html.escape(href, quote=True)}" download="{html.escape(file, quote=True)}">'
        f"{html.escape(label)}</a>"
    )
