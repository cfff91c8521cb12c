from pathlib import Path

from config.__main__ import reference

ROOT = Path(__file__).parents[2]


def test_the_manual_holds_the_table_that_the_command_prints() -> None:
    """After a change of settings: put the output of `python -m config` into docs/configuration.md again."""
    assert reference() in (ROOT / "docs" / "configuration.md").read_text()
