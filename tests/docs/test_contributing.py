"""What CONTRIBUTING.md and the workflows of GitHub name is there."""

import re
from pathlib import Path

import pytest

from sandbox.process import ROOT

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("file", [CONTRIBUTING, ROOT / "README.md", *WORKFLOWS], ids=lambda file: file.name)
def test_every_make_target_exists(file: Path) -> None:
    named = set(re.findall(r"(?:`|run: |^)make ([a-z][a-z-]+)(?=[`\s]|$)", file.read_text(), re.MULTILINE))
    assert named <= TARGETS
    assert named or file not in WORKFLOWS


def test_every_path_in_contributing_exists() -> None:
    text = CONTRIBUTING.read_text()
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target}
    quoted = set(re.findall(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:py|toml|md))(?::[^`]*)?`", text))
    outside = {"runs/", "results/"}
    assert [path for path in (linked | quoted) - outside if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_actions_are_pinned_by_commit(file: Path) -> None:
    used = re.findall(r"uses: (\S+)", file.read_text())
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []
