"""st.plotly_chart makes a new chart for every new figure, which loses the zoom and flickers; this one keeps its node."""

import json
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.components import charts, urls

NAME = "ganvas_live_chart"
SCRIPT = (Path(__file__).parent / "live_chart.js").read_text()
HTML = '<div class="live-chart" role="figure"></div>\n<!-- drawn by live_chart.js -->'

component = st.components.v2.component(NAME, html=HTML, js=SCRIPT, isolate_styles=False)


def live_chart(figure: go.Figure | dict[str, Any], *, key: str, alt: str) -> None:
    """Draw or update the chart `key`. alt: what it shows, for who cannot see it. layout.height is the height in px."""
    values = figure if isinstance(figure, dict) else json.loads(figure.to_json())
    layout = {
        name: value for name, value in values["layout"].items() if name != "template"
    }  # the page's colours instead
    component(
        key=key,
        data={
            "figure": {"data": values["data"], "layout": layout},
            "alt": alt,
            "height": layout["height"],
            "config": charts.CONFIG,
            "plotly": urls.plotly_script(),
        },
    )
