"""This computer: devices, expected speed, the queue, disk, optional parts, a support bundle."""

from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.system import info, throughput
from gan_core.text import ago, count, duration, size
from pages.shared import urls
from pages.shared.context import get_context
from pages.shared.double_click import click_token
from pages.shared.status import job_progress, show_refusal
from pages.shared.text import plain
from pages.system.cleanup import show_disk
from pages.system.limits import show_limits
from pages.system.queue import show_queue

EXAMPLE_IMAGES = 100_000

context = get_context()
st.title("System")


def show_devices() -> None:
    """The computer as this process sees it; torch and the GPUs as a worker saw them."""
    here, facts = info.machine(), info.devices(context.workspace)
    st.header("Devices")
    with st.container(horizontal=True, gap="small", key="machine"):
        st.metric("Cores", here["cores"], width="content")
        st.metric("Memory", size(here["memory_bytes"]), width="content")
        st.metric("Free memory", size(here["memory_free_bytes"]), width="content")
        if facts:
            st.metric("GPUs", len(facts["gpus"]), width="content", help="NVIDIA GPUs that training can use.")
            st.metric("torch", str(facts["torch"]).partition("+")[0], width="content")
            st.metric("Threads", facts["threads"], width="content", help="CPU threads that training uses.")
    st.caption(plain(f"{here['processor']}, {here['system']}, Python {here['python']}."))
    if facts:
        bfloat16 = "has" if facts["bf16"] else "has no"
        st.caption(f"The CPU {bfloat16} bfloat16 instructions. A worker checked {ago(facts['looked_at'])}.")
        show_gpus(facts["gpus"])
    else:
        st.info("No worker has checked torch and the GPUs yet.", icon=":material/info:")
    if st.button("Check again" if facts else "Check now", icon=":material/refresh:", key="system_look"):
        with show_refusal():
            st.session_state["system_job"] = actions.refresh_system_info(context, token=click_token("system")).id
    for job in context.store.jobs(kind="system", limit=1):
        if job.live or job.id == st.session_state.get("system_job"):
            job_progress(context, job, "Detecting devices", "system")


def show_gpus(gpus: list[dict[str, Any]]) -> None:
    if not gpus:
        st.caption("No usable GPU. Training runs on the CPU: small images and the recipe Quick suit it.")
        return
    st.dataframe(
        {
            "device": [f"cuda:{number}" for number in range(len(gpus))],
            "GPU": [gpu["name"] for gpu in gpus],
            "memory": [size(gpu["memory_bytes"]) for gpu in gpus],
            "capability": [gpu["capability"] for gpu in gpus],
            "bfloat16": ["yes" if gpu["bf16"] else "no" for gpu in gpus],
        },
        hide_index=True,
        key="gpus",
        alt="Device, name, memory, compute capability and bfloat16 of each GPU",
    )


def show_speeds() -> None:
    st.subheader("Speed on this computer")
    known = throughput.speeds(context.store, context.workspace)
    if not known:
        st.caption("Nothing has been trained here yet. The Train page measures the speed of a recipe before it starts.")
        return
    st.dataframe(
        {
            "recipe": [row.recipe for row in known],
            "pixels": [row.size for row in known],
            "images a second": [f"{row.images_per_second:,.0f}" for row in known],
            f"{EXAMPLE_IMAGES:,} images": [duration(EXAMPLE_IMAGES / row.images_per_second) for row in known],
            "device": [row.device for row in known],
            "measured": [row.measured for row in known],
        },
        hide_index=True,
        key="speeds",
        alt="Images a second of each recipe, by size and device",
    )
    st.caption("Medians of the runs and speed measurements on this computer, each with its own settings.")


def show_optional_parts() -> None:
    st.header("Optional parts")
    st.caption("Ganvas works without them.")
    for part in info.optional_parts(context.workspace):
        icon, word = (":material/check:", "installed") if part.here else (":material/close:", "not installed")
        with st.container(gap=None):
            st.markdown(f"{icon} **{plain(part.title)}**: {word}{f', {plain(part.here)}' if part.here else ''}")
            st.caption(f"For {plain(part.use)}." + ("" if part.here else f" To install it: {part.get}."))


def show_support_bundle() -> None:
    st.header("Support bundle")
    st.write(
        "A zip for reporting a fault: versions, devices, the settings of the last runs, the ends of the logs, the queue. It has "
        "no images and no weights. Paths, your user name and the name of the computer are removed. Look through it before you "
        "send it."
    )
    st.html(urls.download_link(urls.support_bundle(), "ganvas-support.zip", "Download the support bundle"))


show_devices()
show_speeds()
show_queue(context)
show_disk(context)
show_limits(context)
show_optional_parts()
show_support_bundle()
st.caption(f"Workspace: {plain(context.workspace.root)}, {count(len(context.store.runs()), 'run')}.")
