"""The way to a page of the app, and what is written on it."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


def open_page(name: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "router.py"), default_timeout=30)
    at.run()
    for key, value in query.items():
        at.query_params[key] = value
    if name != "home":
        at.switch_page(f"{name}/page.py").run()
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    return "\n".join(
        str(element.value)
        for kind in ("title", "header", "markdown", "caption", "info", "error", "warning", "success")
        for element in at.get(kind)
    )


def letters(at: AppTest) -> str:
    return words(at).replace("\\", "").replace("\u2060", "")
