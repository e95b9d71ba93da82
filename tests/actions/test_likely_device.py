"""Which device a suggestion is made for, without torch."""

import shutil

from gan_core import actions
from gan_core.storage.workspace import write_json
from gan_core.system.info import DEVICES_FILE


def test_a_driver_alone_is_no_gpu_once_a_worker_has_looked(context, monkeypatch):
    """A driver that is too old for torch: before, `best` was suggested and then trained on the CPU."""
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert actions.likely_device(context) == "cuda"  # nobody has looked yet
    write_json(context.workspace.root / DEVICES_FILE, {"gpus": [], "obstacle": {"what": "Old.", "todo": "Update."}})
    assert actions.likely_device(context) == "cpu"
    write_json(context.workspace.root / DEVICES_FILE, {"gpus": [{"name": "H"}]})
    assert actions.likely_device(context) == "cuda"
