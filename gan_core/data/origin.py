"""Where a data set came from, for importing it again with other choices."""

import os
from pathlib import Path

from gan_core.data.dataset import read_info
from gan_core.errors import UserError

KEPT_ZIP = "source.zip"  # in the folder of the data set


def origin(folder: Path) -> str:
    """The source of the data set in `folder`: 'demo:<ready set>', or the path of its zip or folder.

    Raises UserError: no_dataset, original_gone.
    """
    source = read_info(folder).source
    if source.get("kind") == "demo":
        return f"demo:{source['name']}"
    path = str(folder / KEPT_ZIP) if source.get("kept") else str(source.get("path", ""))
    if not path or not os.path.exists(path):
        raise UserError(
            "original_gone",
            "The zip or folder that this data set was made from is not there any more.",
            "Import it from where it is now.",
        )
    return path
