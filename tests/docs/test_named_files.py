"""The threat model and the operator's page point at mechanisms that are there."""

import re

import pytest

from sandbox.process import ROOT


@pytest.mark.parametrize("page", ["security.md", "operations.md"])
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    files = re.findall(r"`([a-z][\w./]*/[\w.]*|[a-z_]+\.py)`", text)
    linked = [f"docs/{name}" for name in re.findall(r"\]\(([\w-]+\.md)", text)]
    assert len(files) + len(linked) > 5
    assert [name for name in (*files, *linked) if not (ROOT / name).exists()] == []
