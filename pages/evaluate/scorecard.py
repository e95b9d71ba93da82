"""The scores of an evaluation, each with its interval, its floor and its meaning, below the verdicts."""

from typing import Any

import streamlit as st

from gan_core.evaluation.result_dicts import scores_of
from gan_core.evaluation.vocabulary import DISTANCES, LEVELS, MEANINGS, SPLITS, part_name
from gan_core.text import count, interval, number
from pages.shared.text import plain
from pages.shared.verdict_box import verdict_box

IN_A_ROW = 4


def verdicts(result: dict[str, Any]) -> None:
    """What is most urgent, before any number: collapse and copying."""
    for key, subject in (("collapse", "Variety"), ("memorisation", "Copies")):
        found = result.get(key)
        if found and found.get("verdict") in LEVELS:
            verdict_box(found["verdict"], subject, found.get("sentence", ""), found.get("todo", ""))


def scores(result: dict[str, Any]) -> None:
    """Every score with its floor beside it, then everything one must know to read it."""
    keys, absent = scores_of(result), result.get("absent") or {}
    if keys and all(result[key] is None for key in keys):
        st.warning(plain(f"No scores: {absent.get(keys[0], 'they could not be computed.')}"), icon=":material/warning:")
        st.caption(plain(conditions(result)))
        return
    heads = [key for key in keys if key not in ("precision", "recall", "density", "coverage")]
    rest = [key for key in keys if key not in heads]
    for group in (heads, rest):
        if group:
            for column, key in zip(st.columns(max(len(group), IN_A_ROW if group is rest else 1)), group, strict=False):
                with column, st.container(border=True, height="stretch", key=f"score_{key}"):
                    score(result, key, absent)
    st.caption(plain(conditions(result)))
    labels = result.get("labels", {})
    for key, reason in absent.items():
        if key not in keys:
            st.caption(plain(f"Not given: {part_name(key, labels)}. {reason}"))
    if result.get("caveats"):
        st.subheader("Keep in mind")
        st.markdown("\n".join(f"- {plain(caveat)}" for caveat in result["caveats"]))


def score(result: dict[str, Any], key: str, absent: dict[str, str]) -> None:
    """One card."""
    floor = result.get("floor") or {}
    held_out = floor.get("held_out") or {}
    st.metric(plain(result["labels"][key]), number(result[key]))
    if result[key] is None:
        st.caption(plain(absent.get(key, "It could not be computed.")))
    if result.get(f"{key}_ci"):
        st.caption(f"95 % interval {interval(result[f'{key}_ci'])}")
    if result.get(f"{key}_std") is not None:
        st.caption(f"± {number(result[f'{key}_std'])} over splits")
    if floor.get(key) is not None:
        beside = f", held-out {number(held_out[key])}" if held_out.get(key) is not None else ""
        st.caption(f"Real against real: {number(floor[key])} ({count(floor['n'], 'image')} a side){beside}")
    if key in DISTANCES and result.get("times_floor") is not None:
        st.caption(f"**{number(result['times_floor'])} times the floor**; 1 is as near as real to real.")
    st.caption(f"{MEANINGS.get(key, '')} {result['n_real']:,} real, {result['n_fake']:,} generated.")


def conditions(result: dict[str, Any]) -> str:
    """N, split, extractor, weights, checkpoint, averaging and seed in one line."""
    draws = f" in each of {count(result['draws'], 'independent draw')}" if result.get("draws") else ""
    truncation = f", truncation {result['truncation']:g}" if result.get("truncation") is not None else ""
    weights = f", weights {str(result['weights'])[:12]}" if result.get("weights") else ""
    resize = f", resize {result['resize']}" if result.get("resize") else ""
    split = SPLITS.get(result.get("against", "train"), "images")
    return (
        f"{result['n_real']:,} real against {count(result['n_fake'], 'generated image')}"
        f"{draws} ({split}). "
        f"Features: {result['extractor_title']}{weights}{resize}. "
        f"Model after {count(result.get('images_seen', 0), 'image')} seen"
        f"{', averaged weights (EMA)' if result.get('ema') else ', weights not averaged'}"
        f"{truncation}. "
        f"Seed {result.get('seed')}."
    )
