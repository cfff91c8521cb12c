"""Every setting can be read from a file; no error says what the file holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import ConfigurationError, is_for_sellers, load
from config.loading import names, variable
from payments.mpp.config import MppConfig

ROOT = Path(__file__).parents[2]
NAME = "CLEARCANVAS_MPP__SECRET_KEY"
SECRET = "a secret of more than thirty-two bytes"


def refusal(environ: dict[str, str]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(environ)
    return caught.value


def written(folder: Path, content: str | bytes) -> str:
    file = folder / "value"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_secret_stands_in_a_file(tmp_path: Path, end: str) -> None:
    settings = load({f"{NAME}_FILE": written(tmp_path, SECRET + end)})
    secret = settings.rail(MppConfig).secret_key
    assert secret
    assert secret.get_secret_value() == SECRET


def test_blanks_and_inner_lines_of_a_file_are_kept(tmp_path: Path) -> None:
    settings = load({f"{NAME}_FILE": written(tmp_path, f" {SECRET}\n{SECRET} \n")})
    secret = settings.rail(MppConfig).secret_key
    assert secret
    assert secret.get_secret_value() == f" {SECRET}\n{SECRET} "


def test_every_setting_has_a_variable_for_a_file() -> None:
    """A file that is not there is a fault of its variable, and of no other: the name is known."""
    for name in names():
        assert refusal({f"{variable(name)}_FILE": "/nowhere"}).names == (f"{variable(name)}_FILE",), name


def test_no_setting_is_named_like_the_file_of_another() -> None:
    assert not any(name.removesuffix("_file") in {*names()} for name in names() if name.endswith("_file"))


def test_what_is_kept_from_the_runner_is_kept_as_a_file_too() -> None:
    for name in names():
        assert is_for_sellers(f"{variable(name)}_FILE") == is_for_sellers(variable(name)), name


def test_a_value_and_its_file_exclude_each_other(tmp_path: Path) -> None:
    error = refusal({NAME: SECRET, f"{NAME}_FILE": written(tmp_path, SECRET)})
    assert str(error) == (
        f"Invalid configuration:\n  {NAME}_FILE: is set together with the same name without _FILE; set one of them"
    )


def test_an_empty_variable_leaves_the_file_to_decide(tmp_path: Path) -> None:
    """The image sets `CLEARCANVAS_DATABASE_URL`; an empty value takes that back."""
    settings = load({"CLEARCANVAS_WORKERS": "", "CLEARCANVAS_WORKERS_FILE": written(tmp_path, "3\n")})
    assert settings.workers == 3


def test_a_file_wins_over_the_toml_file(tmp_path: Path) -> None:
    toml = tmp_path / "clearcanvas.toml"
    toml.write_text("workers = 2\n")
    environ = {"CLEARCANVAS_CONFIG": str(toml), "CLEARCANVAS_WORKERS_FILE": written(tmp_path, "3\n")}
    assert load(environ).workers == 3


@pytest.mark.parametrize(
    ("content", "text"), [("", "is empty"), ("\n", "is empty"), (b"marked\xff", "must hold UTF-8 text")]
)
def test_a_file_without_a_value_is_refused(tmp_path: Path, content: str | bytes, text: str) -> None:
    error = refusal({f"{NAME}_FILE": written(tmp_path, content)})
    assert str(error) == f"Invalid configuration:\n  {NAME}_FILE: the file {text}"


def test_a_misspelt_name_of_a_file_is_refused() -> None:
    assert refusal({"CLEARCANVAS_MPP__SECRETKEY_FILE": "/nowhere"}).names == ("CLEARCANVAS_MPP__SECRETKEY_FILE",)


def test_a_wrong_value_from_a_file_is_named_and_not_shown(tmp_path: Path) -> None:
    file = written(tmp_path, "marked-secret\n")
    run = subprocess.run(
        [sys.executable, "-c", "import config; config.load()"],
        env={
            f"{NAME}_FILE": file,
            "CLEARCANVAS_X402__RPC_URL_FILE": file,
            "CLEARCANVAS_X402__SETTLEMENT_KEY_FILE": "/",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert f"{NAME}: must have at least 32 bytes" in run.stderr
    assert "CLEARCANVAS_X402__RPC_URL: must be a URL with a host" in run.stderr
    assert f"CLEARCANVAS_X402__SETTLEMENT_KEY_FILE: the file cannot be read: {os.strerror(21)}" in run.stderr
    assert "marked" not in run.stderr + run.stdout
