"""What this computer is and does: devices and what to expect of them, the queue, disk, optional parts, a support bundle."""

import streamlit as st

from gan_core import actions
from gan_core.errors import UserError
from gan_core.system import info, throughput
from gan_core.text import ago, count, duration, size
from pages.shared import urls
from pages.shared.context import click_token, get_context
from pages.shared.status import job_progress
from pages.shared.text import plain, sentence
from pages.system import cleanup, job_list

EXAMPLE_IMAGES = 100_000
DEVICES_ALT = "Name, memory, compute capability and bfloat16 of each GPU"

context = get_context()
st.title("System")


def devices() -> None:
    """The computer as this process sees it, and torch as a worker saw it."""
    here, facts = info.machine(), info.device_facts(context.workspace)
    st.header("Devices")
    with st.container(horizontal=True, gap="small", key="machine"):
        st.metric("Cores", here["cores"], width="content")
        st.metric("Memory", size(here["memory_bytes"]), width="content")
        st.metric("Free memory", size(here["memory_free_bytes"]), width="content")
        if facts:
            st.metric("GPUs", len(facts["gpus"]), width="content", help="NVIDIA GPUs that training can use.")
            st.metric("torch", str(facts["torch"]).partition("+")[0], width="content")
            st.metric("Threads", facts["threads"], width="content", help="What training takes of the CPU.")
    st.caption(plain(f"{here['processor']}, {here['system']}, Python {here['python']}."))
    if facts:
        told = "multiplies" if facts["bf16"] else "does not multiply"
        st.caption(f"The CPU {told} bfloat16 in hardware. A worker looked {ago(facts['looked_at'])}.")
        if facts["gpus"]:
            table = {
                "GPU": [gpu["name"] for gpu in facts["gpus"]],
                "memory": [size(gpu["memory_bytes"]) for gpu in facts["gpus"]],
                "capability": [gpu["capability"] for gpu in facts["gpus"]],
                "bfloat16": ["yes" if gpu["bf16"] else "no" for gpu in facts["gpus"]],
            }
            st.dataframe(table, hide_index=True, key="gpus", alt=DEVICES_ALT)
        else:
            st.caption(
                "No usable GPU: training runs on the CPU, which small images and the recipe quick are meant for."
            )
    else:
        st.info("No worker has looked at torch and the GPUs yet.", icon=":material/info:")
    if st.button("Look again" if facts else "Look now", icon=":material/refresh:", key="system_look"):
        try:
            st.session_state["system_job"] = actions.look_again(context, token=click_token("system")).id
        except UserError as refused:
            st.error(sentence(refused))
    for job in context.store.jobs(kind="system", limit=1):
        if job.live or job.id == st.session_state.get("system_job"):
            job_progress(context, job, "Look at the devices", "system")


def expectations() -> None:
    st.subheader("What to expect")
    known = throughput.speeds(context.store, context.workspace)
    if not known:
        st.caption("Nothing has been trained here yet. The Train page measures a recipe in seconds before it starts.")
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
    st.caption("Medians of the runs and trials on this computer, with the settings that they had.")


def optional_parts() -> None:
    st.header("Optional parts")
    st.caption("Ganvas works without any of them.")
    for part in info.optional_parts(context.workspace):
        icon, word = (":material/check:", "here") if part.here else (":material/close:", "not here")
        with st.container(gap=None):
            st.markdown(f"{icon} **{plain(part.title)}**: {word}{f', {plain(part.here)}' if part.here else ''}")
            st.caption(f"For {plain(part.use)}." + ("" if part.here else f" To get it: {part.get}."))


def support() -> None:
    st.header("Support bundle")
    st.write(
        "A zip that helps to explain a fault: versions, devices, the settings of the last runs, the ends of the logs, the queue. "
        "No pictures and no weights; paths, your name and the computer's are taken out. Look through it before you send it."
    )
    st.html(urls.download_link(urls.support_bundle(), "ganvas-support.zip", "Download the support bundle"))


devices()
expectations()
job_list.show(context)
cleanup.show(context)
optional_parts()
support()
st.caption(f"The workspace is {plain(context.workspace.root)}; {count(len(context.store.runs()), 'run')} in it.")
