"""How many images each class gets, by what, and what that makes: the plan of an export."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from gan_core.data.dataset import DatasetInfo
from gan_core.errors import UserError
from gan_core.evaluation.results import UtilityResult
from gan_core.export import plan
from gan_core.requests import Policy
from gan_core.requests.export import METHODS, read_methods
from pages.shared import charts
from pages.shared.fill_methods import TITLES, select_methods
from pages.shared.links import link
from pages.shared.text import plain, sentence

BALANCES = ("As many as the largest class", "The same total for each class", "At least the median")
MOSTLY_SYNTHETIC = 0.9


def choose_balance(info: DatasetInfo) -> plan.Balance:
    way = st.segmented_control("Balance to", BALANCES, default=BALANCES[0], required=True, key="export_balance")
    if way == BALANCES[1]:
        return int(st.number_input("Images per class", 1, 1_000_000, max(info.train_counts), 100, key="export_total"))
    return "median" if way == BALANCES[2] else "largest"


def choose_methods(with_run: bool) -> tuple[dict[str, float], Policy]:
    """How the missing images are made, and what a changed copy may change."""
    offered = METHODS if with_run else METHODS[1:]
    chosen = select_methods("Fill with", "export_ways" if with_run else "export_ways_alone", offered)
    methods = dict.fromkeys(chosen, 1.0)
    if len(chosen) > 1:
        for column, method in zip(st.columns(len(chosen)), chosen, strict=True):
            methods[method] = float(column.slider(f"Parts: {TITLES[method].lower()}", 1, 10, 1, key=f"export_{method}"))
    if methods.keys() <= {"gan"}:
        return methods, Policy()
    st.caption(
        "A changed copy is a real training image, a little moved and enlarged; an object on another background is cut out of "
        "one and pasted on another. Both may also be:"
    )
    with st.container(horizontal=True):
        flips = st.checkbox("mirrored", key="export_flips", help="Not for digits, letters, or left and right hands.")
        turns = st.checkbox("turned", value=True, key="export_turns", help="By at most 10 degrees either way.")
        light = st.checkbox("relit", value=True, key="export_light", help="Changed copies: light, contrast, colour.")
    return methods, Policy(flips=flips, turns=turns, light=light)


def by_hand(balance: plan.Balance, info: DatasetInfo, originals: bool, dataset_id: str) -> plan.Balance:
    """The totals that the balance asks for, to be changed in place; the balance itself where none was. Raises UserError."""
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    totals = plan.totals_by_class(counts, balance)
    suggested = [max(totals[name], counts[name] if originals else 0) for name in info.classes]
    edited: Any = st.data_editor(
        {"class": info.classes, "real": info.train_counts, "total": suggested},
        disabled=["class", "real"],
        hide_index=True,
        key=f"export_totals_{dataset_id}_{balance}_{originals:d}",
        alt="Total of each class, to be edited",
        column_config={
            "class": st.column_config.TextColumn(width=150),
            "total": st.column_config.NumberColumn(min_value=0, max_value=1_000_000, step=1, required=True),
        },
    )
    st.caption(
        "Type another total where you want one; " + ("real images count." if originals else "all are generated.")
    )
    chosen = [int(total) if total == total else 0 for total in edited["total"]]
    return balance if chosen == suggested else dict(zip(info.classes, chosen, strict=True))


def choose_plan(
    info: DatasetInfo, balance: plan.Balance, methods: dict[str, float], originals: bool, dataset_id: str
) -> tuple[plan.Balance, dict[str, plan.Row]] | None:
    """The editable table beside the stacked bars; None where nothing can be made of it, which is said."""
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    table, picture = st.columns([2, 3])
    try:
        with table:
            balance = by_hand(balance, info, originals, dataset_id)
        rows = plan.deficits(counts, balance, originals=originals)
        shares, small = plan.shares(rows, counts, read_methods(methods))
    except UserError as refused:
        if refused.code == "nothing_to_add":
            st.info(sentence(refused), icon=":material/info:")
        else:
            st.error(sentence(refused))
        return None
    with picture:
        show_bars(rows, shares)
    with st.expander("Show the numbers"):
        show_numbers(rows, shares)
    if small:
        st.info(plain(plan.too_small(small)), icon=":material/info:")
    mostly = sum(row.synthetic_share > MOSTLY_SYNTHETIC for row in rows.values())
    if mostly and originals:
        st.warning(
            f"{mostly} {'class is' if mostly == 1 else 'classes are'} more than {MOSTLY_SYNTHETIC:.0%} synthetic: "
            "look at the samples first, a GAN repeats what it saw in so few images.",
            icon=":material/warning:",
        )
    return balance, rows


def made(shares: dict[str, dict[str, int]]) -> dict[str, list[int]]:
    counted = {TITLES[method]: [share.get(method, 0) for share in shares.values()] for method in METHODS}
    return {name.lower(): numbers for name, numbers in counted.items() if any(numbers)}


def show_bars(rows: dict[str, plan.Row], shares: dict[str, dict[str, int]]) -> None:
    st.caption(
        f"{plan.synthetic_share(rows):.0%} of the {sum(row.planned for row in rows.values()):,} images are synthetic."
    )
    charts.show(
        planned_counts(list(rows), [row.real for row in rows.values()], made(shares)),
        key="export_chart",
        alt="Real and synthetic images of each class as stacked bars",
    )


def planned_counts(classes: list[str], real: list[int], made: dict[str, list[int]]) -> go.Figure:
    """Real images and those to be made per class, stacked. made: {legend: counts}."""
    styles = zip(made.items(), ((charts.ORANGE, "/"), (charts.GREY, "."), (charts.PURPLE, "x")), strict=False)
    return charts.bars(
        classes, {"real": (real, charts.BLUE, ""), **{name: (counts, *style) for (name, counts), style in styles}}
    )


def show_numbers(rows: dict[str, plan.Row], shares: dict[str, dict[str, int]]) -> None:
    st.dataframe(
        {
            "class": list(rows),
            "real": [row.real for row in rows.values()],
            **made(shares),
            "total": [row.planned for row in rows.values()],
            "synthetic": [row.synthetic_share for row in rows.values()],
        },
        hide_index=True,
        key="export_plan",
        alt="Real, missing and planned images of each class",
        column_config={
            "class": st.column_config.TextColumn(width=150),
            "synthetic": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
    )


def warn_beyond(
    utility: UtilityResult | None,
    rows: dict[str, plan.Row],
    info: DatasetInfo,
    methods: dict[str, float],
    originals: bool,
) -> None:
    """A warning where the newest comparison of classifiers does not support so many synthetic images made in these ways."""
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    if utility is None:
        st.caption("It has not been tested yet whether such images help a classifier.")
        here = {"run": st.query_params["run"]} if "run" in st.query_params else {}
        link("evaluate", "Test it on Evaluate", icon="straighten", **here)
        return
    if set(utility.methods or {"gan": 1.0}) != set(methods):
        st.caption("The newest comparison of classifiers used images made in other ways.")
        return
    sweep = [row.model_dump() for row in utility.sweep]
    if originals and not sweep:  # a comparison that chose the use: how many images are exported is not what it tested
        return
    if warning := plan.beyond_support(sweep, plan.added_share(rows, counts), originals):
        st.warning(plain(warning), icon=":material/warning:")
