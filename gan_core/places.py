"""Where the files of the program lie: in a clone beside gan_core/; in an installed wheel in the package ganvas/ beside it."""

import os
from pathlib import Path

BESIDE = Path(__file__).parents[1]
IS_CLONE = (BESIDE / "pages" / "router.py").is_file()
APP = BESIDE if IS_CLONE else BESIDE / "ganvas"  # app.py, pages/, assets/, .streamlit/


def workspace() -> Path:
    """The workspace where no other is named: in the clone, or in the user's folder for data, which outlives an update."""
    if IS_CLONE:
        return BESIDE / "workspace"
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "ganvas"
