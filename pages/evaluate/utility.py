"""The utility of synthetic images for a classifier, and the detector that tells real images from generated ones."""

from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.evaluation.result_dicts import checkpoint
from gan_core.storage.store import Job, Run
from gan_core.text import ago, count, percent, percent_interval, points, points_interval
from pages.evaluate import charts as evaluate_charts
from pages.shared import charts
from pages.shared.context import click_token
from pages.shared.growth_plan import WAYS
from pages.shared.status import job_progress
from pages.shared.text import plain, sentence
from pages.shared.verdict_box import utility_box

MOST_DOWNLOAD_BYTES = 50_000_000
BARS = ("real", "classical", "synthetic", "synthetic_only")  # arms in the chart of recalls


def does_it_help(context: Context, run: Run) -> None:
    """The form, the progress, and the newest answer."""
    st.header("Does it help a classifier?")
    st.caption(
        "The same classifier is trained on the real images alone, with classical augmentation, and with synthetic images "
        "added; each is tested on the held-out images. It takes minutes."
    )
    with st.form("utility"):
        ways = st.pills(
            "Synthetic images are",
            list(WAYS),
            selection_mode="multi",
            default=["gan"],
            format_func=WAYS.get,
            key="utility_ways",
            help="Made as an export would make them, in equal shares.",
        )
        first, second = st.columns(2)
        seeds = first.number_input(
            "Classifiers an arm",
            actions.LEAST_SEEDS,
            actions.MOST_SEEDS,
            actions.LEAST_SEEDS,
            1,
            key="utility_seeds",
            help="More give a narrower interval, and take as much longer.",
        )
        shots = second.number_input(
            "Real images of a class, at most",
            1,
            1_000_000,
            None,
            1,
            key="utility_shots",
            placeholder="all",
            help="Fewer shows what synthetic images do for a classifier that has little real data.",
        )
        if st.form_submit_button("Find out", icon=":material/science:", key="utility_start"):
            wanted = None if shots is None else int(shots)
            token = click_token("utility", run.id, int(seeds), wanted, ways)
            try:
                methods = dict.fromkeys(ways, 1.0)
                actions.utility(context, run.id, seeds=int(seeds), shots=wanted, methods=methods, token=token)
            except UserError as refused:
                st.error(sentence(refused))
    if answered := newest_answer(context, run, "utility", "Comparing classifiers"):
        show_help(answered.result)
        when = ago(answered.finished_at or answered.created_at)
        st.caption(f"Compared {when}, with images from {checkpoint(answered.result)}.")


def newest_answer(context: Context, run: Run, kind: str, doing: str) -> Job | None:
    """The newest finished job of that kind, below the progress of one that is under way."""
    jobs = context.store.jobs(kind=kind, subject=run.id)
    if jobs:
        job_progress(context, jobs[0], doing, kind)
    return next((job for job in jobs if job.state == "finished" and job.result), None)


def show_help(result: dict[str, Any]) -> None:
    utility_box(result)
    arms = result.get("arms") or {}
    left, right = st.columns(2)
    with left:
        st.subheader("Balanced accuracy")
        st.plotly_chart(
            evaluate_charts.accuracies(list(arms.values())),
            key="utility_arms",
            config=charts.CONFIG,
            alt="Balanced accuracy of each arm with its 95 % interval; the table below has the numbers",
        )
        st.dataframe(
            [
                {
                    "trained on": arm["title"],
                    "balanced accuracy": percent(arm["balanced_accuracy"]),
                    "95 % interval": percent_interval(arm.get("ci95")),
                }
                for arm in arms.values()
            ],
            hide_index=True,
            key="utility_table",
            alt="Balanced accuracy of each arm",
        )
    with right:
        st.subheader("Recall of each class")
        shown = {arms[key]["title"]: arms[key].get("per_class") or {} for key in BARS if key in arms}
        classes = list(dict.fromkeys(name for recall in shown.values() for name in recall))
        if classes:
            st.plotly_chart(
                evaluate_charts.recalls(shown, classes),
                key="utility_recalls",
                config=charts.CONFIG,
                alt="Recall of each class by what the classifier was trained on",
            )
    if result.get("sweep"):
        st.subheader("How much synthetic data")
        st.plotly_chart(
            evaluate_charts.sweep(result["sweep"]),
            key="utility_sweep",
            config=charts.CONFIG,
            alt="Gain over classical augmentation by synthetic images per real one",
        )
    gains(result)
    st.markdown("\n".join(f"- {plain(caveat)}" for caveat in result.get("caveats") or []))


def gains(result: dict[str, Any]) -> None:
    """Gain of recall per class, with its interval."""
    if result.get("per_class_gain"):
        with st.expander("Gain of recall per class, in percentage points", key="utility_gains"):
            st.dataframe(
                [
                    {"class": name, "gain": points(one.get("gain")), "95 % interval": points_interval(one.get("ci95"))}
                    for name, one in result["per_class_gain"].items()
                ],
                hide_index=True,
                key="utility_gain_table",
                alt="Gain of recall per class over classical augmentation",
            )


def real_or_made(context: Context, run: Run, result: dict[str, Any] | None) -> None:
    """What the two-sample test says, and the detector it trained as a tool for a folder of images."""
    st.header("Real or GAN-made?")
    found = (result or {}).get("two_sample")
    if found:
        st.markdown(
            f"{plain(found.get('sentence', ''))} It was right in **{percent(found.get('accuracy'))}** of "
            f"{count(found.get('n_test') or 0, 'image')} it had not seen (95 % interval "
            f"{percent_interval(found.get('ci95'))}); 50 % is guessing."
        )
    with st.form("detect"):
        folder = st.text_input(
            "Folder of images on this computer",
            key="detect_folder",
            help="Each image gets the chance that this run generated it. Nothing in the folder is changed.",
        )
        if st.form_submit_button("Score the folder", icon=":material/search:", key="detect_start"):
            try:
                actions.detect(context, run.id, folder.strip(), token=click_token("detect", run.id, folder.strip()))
            except UserError as refused:
                st.error(sentence(refused))
    if scored := newest_answer(context, run, "detect", "Looking at the folder"):
        show_folder(scored.result, context.workspace.run(run.id) / "detections" / scored.id / "scores.csv")


def show_folder(result: dict[str, Any], scores_csv) -> None:
    accuracy = result.get("accuracy")
    sure = f" (95 % interval {percent_interval(result['accuracy_ci'])})" if result.get("accuracy_ci") else ""
    trust = f" On images it had not seen the detector was right in {percent(accuracy)}{sure}." if accuracy else ""
    n, generated = result.get("n", 0), result.get("generated", 0)
    st.markdown(f"**{generated:,} of {count(n, 'image')}** in {plain(result.get('folder', ''))} look generated.{trust}")
    st.dataframe(
        [
            {"file": row["file"], "looks": row["verdict"], "chance that it is generated": row["p_generated"]}
            for row in result.get("rows") or []
        ],
        hide_index=True,
        key="detect_table",
        alt="The chance that each image of the folder was generated by this run",
        column_config={
            "chance that it is generated": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
        },
    )
    if len(result.get("rows") or []) < n:
        st.caption(f"The first {len(result['rows']):,} of {count(n, 'image')}; the CSV has them all.")
    if scores_csv.is_file() and scores_csv.stat().st_size < MOST_DOWNLOAD_BYTES:
        st.download_button(
            "Download the scores as CSV",
            scores_csv.read_bytes(),
            "real-or-made.csv",
            "text/csv",
            key="detect_csv",
            on_click="ignore",
            icon=":material/download:",
        )
    if result.get("rejected"):
        with st.expander(
            f"{count(result.get('n_rejected', len(result['rejected'])), 'file')} could not be read",
            key="detect_rejected",
        ):
            st.dataframe(result["rejected"], hide_index=True, key="detect_rejected_table", alt="Files left out")
