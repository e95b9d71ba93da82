"""The picture of a race: a line for each arm, which ends in the round in which it was dropped."""

import plotly.graph_objects as go

from gan_core.views.race import WORDS, Line
from pages.shared.charts import BLUE, GREY, ORANGE, layout, short

SYMBOLS = {"chosen": "star", "finalist": "circle", "behind": "x", "time": "line-ns-open"}  # of the last point
LABELLED = 6  # lines that have their name in the picture; the others have it under the pointer and in the table


def race_chart(lines: list[Line], rounds: int) -> go.Figure:
    """lines: of views.race, the most important first; the plain baseline is the line at 0."""
    figure = go.Figure()
    for place, line in reversed(list(enumerate(lines))):
        plain = place == 0
        colour = ORANGE if line.state == "chosen" else BLUE if line.state == "finalist" or plain else GREY
        last = [*["circle"] * (len(line.points) - 1), SYMBOLS[line.state]]
        x, y = [point[0] for point in line.points], [point[1] for point in line.points]
        figure.add_scatter(
            x=x,
            y=y,
            name=short(line.label, 60),
            mode="lines+markers",
            line={"color": colour, "width": 3 if line.state == "chosen" else 1.5, "dash": "dot" if plain else "solid"},
            marker={"symbol": last, "size": [6] * (len(last) - 1) + [11], "color": colour},
            hovertemplate=f"{short(line.label, 60)}<br>round %{{x}}: %{{y:+.1f}} points, {WORDS[line.state]}<extra></extra>",
            showlegend=place < LABELLED,
        )
    figure = layout(figure, "round", "points over the plain baseline", 420)
    figure.update_layout(hovermode="closest")
    return figure.update_xaxes(tickmode="linear", dtick=1, range=[0.8, rounds + 0.2])
