"""Zips in memory, and a way to unpack one that trusts no name."""

import io
import zipfile
from pathlib import Path


def zip_bytes(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def unpack(path: Path, folder: Path) -> list[str]:
    """Write every member below the folder; a name that leaves it is a failure of the test. Returns the names."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            place = folder / name
            assert place.resolve().is_relative_to(folder.resolve()), name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(name))
        return archive.namelist()
