"""The devices that training may use on this computer: which of them takes which run, and the environment of its process.

Each device has a training worker of its own. The first device is that of a process that is told nothing: the first GPU, or the CPU
where there is none. A process of another GPU sees that one alone, so that everything in it lands there.
"""

import os
from collections.abc import Iterable, Sequence

from gan_core.jobs import queue
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace
from gan_core.system import info

GIVEN = "GANVAS_DEVICE"  # the name of the only GPU that this process sees; gan_core/training/device.py reads it
VISIBLE = "CUDA_VISIBLE_DEVICES"
VISIBLE_BEFORE = (
    "GANVAS_VISIBLE_DEVICES"  # what VISIBLE was before this process was given its GPU; absent where it was not set
)
GPUS = ("auto", "cuda")  # wishes that any GPU fulfils


def known(workspace: Workspace) -> list[str]:
    """The devices, as a worker last detected them: ["cuda:0", "cuda:1", "cpu"], or ["cpu"]."""
    gpus = (info.devices(workspace) or {}).get("gpus") or ()
    return [f"cuda:{number}" for number in range(len(gpus))] + ["cpu"]


def detected(workspace: Workspace) -> bool:
    """Whether a worker has detected the devices yet."""
    return info.devices(workspace) is not None


def takes(device: str, wanted: str, devices: Sequence[str]) -> bool:
    """Whether a run that wants `wanted` may run on this device. What no device is goes to the first, which refuses it."""
    if wanted in devices:
        return device == wanted
    if wanted in GPUS:
        return device != "cpu" or len(devices) == 1
    return device == devices[0]


def busy(store: Store) -> dict[str, Job]:
    """{device of this computer: the training that runs on it}."""
    running = store.jobs(kind="train", states=("running",))
    here = (job for job in running if job.host in (None, queue.HOST) and job.cluster_job is None)
    return {job.device: job for job in here if job.device}


def to_work(waiting: Iterable[Job], devices: Sequence[str], in_use: Iterable[str]) -> list[str]:
    """The devices that shall have a worker, so that as many waiting runs as can be train at once.

    Runs that want one device are placed before those that any GPU would do. A run for which no device is free waits for one.
    """
    free, chosen = [device for device in devices if device not in set(in_use)], []
    for job in sorted(waiting, key=lambda job: job.device_wanted not in devices):
        fits = [device for device in devices if takes(device, job.device_wanted, devices)]
        device = next((device for device in fits if device in free), fits[0])
        free = [one for one in free if one != device]
        chosen.append(device)
    return list(dict.fromkeys(chosen))


def pick(store: Store, workspace: Workspace, wanted: str) -> str:
    """A device for a run that this process carries out itself: one that no other training uses, where there is one."""
    devices, in_use = known(workspace), busy(store)
    fits = [device for device in devices if takes(device, wanted, devices)]
    return next((device for device in fits if device not in in_use), fits[0])


def is_free(store: Store, workspace: Workspace, wanted: str) -> bool:
    """Whether a run that wants this would start at once: no run waits, and a device that it may use is free."""
    return not store.waiting("train") and pick(store, workspace, wanted) not in busy(store)


def lock_name(device: str, devices: Sequence[str]) -> str:
    """The name of the lock and the log of the worker of a device; the first has that of the lane."""
    return "train" if device == devices[0] else f"train-{device.replace(':', '-')}"


def environment(device: str, devices: Sequence[str]) -> dict[str, str]:
    """What the environment of a process on this device has beside the ordinary; before the process loads torch."""
    if device == devices[0] or device not in devices:
        return {}
    if device == "cpu":
        return {VISIBLE: ""}
    number, before = device.removeprefix("cuda:"), inherited().get(VISIBLE, "")
    visible = [one.strip() for one in before.split(",") if one.strip()]
    own = {VISIBLE: visible[int(number)] if int(number) < len(visible) else number, GIVEN: device}
    return own | ({VISIBLE_BEFORE: before} if before else {})


def inherited() -> dict[str, str]:
    """The environment of this process without the GPU that it was given: what the process of another device starts from."""
    found = dict(os.environ)
    if found.pop(GIVEN, None):
        found.pop(VISIBLE, None)
        if before := found.pop(VISIBLE_BEFORE, None):
            found[VISIBLE] = before
    return found
