"""What the System page says of a GPU that training cannot use."""

from gan_core.storage.workspace import write_json
from gan_core.system import info


def test_why_a_gpu_cannot_be_used_is_said_with_what_to_install(workspace):
    obstacle = {"what": "NVIDIA's driver is too old.", "todo": "Update the driver."}
    write_json(workspace.root / info.DEVICES_FILE, {"gpus": [], "obstacle": obstacle})
    (part,) = (part for part in info.optional_parts(workspace) if part.title == "CUDA")
    assert part.here is None and part.get == "NVIDIA's driver is too old. Update the driver"


def test_facts_of_an_older_version_are_read(workspace):
    write_json(workspace.root / info.DEVICES_FILE, {"gpus": [{"name": "H"}]})
    (part,) = (part for part in info.optional_parts(workspace) if part.title == "CUDA")
    assert part.here == "H" and part.get
