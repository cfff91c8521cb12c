"""`python -m deploy.migrate`, as the chart's Job runs it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from sandbox.process import ROOT


def migrate(url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "url").write_text(f"{url}\n")
    return subprocess.run(
        [sys.executable, "-m", "deploy.migrate"],
        env={"CLEARCANVAS_DATABASE_URL_FILE": str(folder / "url")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_makes_the_tables_and_does_no_harm_again(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    identities = []
    for _ in range(2):
        run = migrate(f"sqlite:///{file}", tmp_path)
        assert (run.returncode, run.stderr) == (0, "")
        with sqlite3.connect(file) as connection:
            identities += connection.execute("SELECT id FROM ledger").fetchall()
    assert len(identities) == 2
    assert len(set(identities)) == 1


def test_it_says_what_is_wrong_and_no_password(tmp_path: Path) -> None:
    run = migrate("postgresql://user:marked-password@127.0.0.1:1/ledger", tmp_path)
    assert run.returncode == 1
    assert run.stderr
    assert "marked-password" not in run.stderr
    run = migrate("mysql://host/db", tmp_path)
    assert "CLEARCANVAS_DATABASE_URL: must start with sqlite:// or postgresql://" in run.stderr
