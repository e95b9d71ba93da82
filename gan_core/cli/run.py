"""The verb `run`: start the app."""

import os
import sys
from typing import Annotated

import typer

from gan_core import places
from gan_core.cli.common import Call


def run(
    streamlit: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the app; 0: the first free one from 8501 on.")
    ] = 0,
) -> None:
    """Start the app, which prints the link to open. `ganvas` alone does the same. Other options are passed on to Streamlit."""
    command = [sys.executable, "-m", "streamlit", "run", str(places.APP / "app.py"), *streamlit.args]
    command += ["--server.port", str(port)] if port else []
    os.execve(sys.executable, command, {**os.environ, "GANVAS_WORKSPACE": str(Call.workspace.root.absolute())})
