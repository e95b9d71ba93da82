"""Addresses of files, and the link of a download."""

from pages.shared import urls


def test_a_download_link_escapes_every_part():
    link = urls.download_link(urls.export("e" + "0" * 16, 'a"><script>.zip'), 'a"><script>.zip', "<b>")
    assert "<script>" not in link and "<b>" not in link and link.count('"') == 6
