"""A plotly chart that keeps its zoom and does not flicker: st.plotly_chart makes a new chart for every new figure."""

from pathlib import Path

import streamlit as st

from pages.shared import charts, urls

NAME = "ganvas_live_chart"
SCRIPT = (Path(__file__).parent / "live_chart.js").read_text()
HTML = '<div class="live-chart" role="figure"></div>\n<!-- drawn by live_chart.js -->'

component = st.components.v2.component(NAME, html=HTML, js=SCRIPT, isolate_styles=False)


def live_chart(figure: charts.Figure, *, key: str, alt: str) -> None:
    """Draw or update the chart `key`. alt: what it shows, for screen readers; figure["layout"]["height"] is in px."""
    component(
        key=key,
        data={
            "figure": figure,
            "alt": alt,
            "height": figure["layout"]["height"],
            "config": charts.CONFIG,
            "plotly": urls.plotly_script(),
        },
    )
