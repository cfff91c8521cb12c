"""`keys new | rotate`: secrets go to files, and the service takes them."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from config import Settings, load
from payments.mpp.config import MppConfig
from payments.x402.config import X402Config
from settings_types import account_of
from tests.ops.conftest import Operator

OLD = "the secret until now, long enough for the service"
OLD_KEY = "0x" + "11" * 32


@pytest.fixture
def operator() -> Operator:
    return Operator({})


def given(output: str) -> Settings:
    """The settings that a command says, as the service reads them."""
    lines = [line for line in output.splitlines() if line.startswith("CLEARCANVAS_")]
    return load({name: value for name, _, value in (line.partition("=") for line in lines)})


def test_a_new_settlement_key_goes_to_a_file_of_its_owner(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "key"
    ran = operator.run("keys", "new", "settlement", "--out", str(file))
    assert ran.exit_code == 0, ran.output
    secret = file.read_text().strip()
    assert secret not in ran.output
    assert secret.removeprefix("0x") not in ran.output
    assert file.stat().st_mode & 0o777 == 0o600
    key = given(ran.stdout).rail(X402Config).settlement_key
    assert key is not None
    assert key.get_secret_value() == secret
    assert account_of(SecretStr(secret)) in ran.stderr


@pytest.mark.parametrize("what", ["settlement", "mpp", "runner", "receipts"])
def test_a_secret_is_printed_only_when_asked_for(operator: Operator, what: str) -> None:
    first, second = (operator.run("keys", "new", what, "--show").stdout.strip() for _ in range(2))
    assert len(first.removeprefix("0x")) == 64
    assert first != second
    assert operator.run("keys", "new", what).exit_code == 2


@pytest.mark.parametrize("what", ["settlement", "mpp", "runner", "receipts"])
def test_the_service_takes_what_was_made(operator: Operator, tmp_path: Path, what: str) -> None:
    ran = operator.run("keys", "new", what, "--out", str(tmp_path / "secret"))
    assert (tmp_path / "secret").read_text().strip().removeprefix("0x") in set(given(ran.stdout).secrets())


def test_no_secret_replaces_a_file(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("in use")
    assert operator.run("keys", "new", "mpp", "--out", str(file)).exit_code == 1
    assert file.read_text() == "in use"


def test_after_a_rotation_both_mpp_secrets_are_good(operator: Operator, tmp_path: Path) -> None:
    """That quotes of the old one are paid is tested in tests/secrets/test_rotation.py."""
    (tmp_path / "mpp_secret_key").write_text(f"{OLD}\n")
    (tmp_path / "mpp_secret_key").chmod(0o444)
    ran = operator.run("keys", "rotate", "mpp", str(tmp_path), answer="y\n")
    assert ran.exit_code == 0, ran.output
    issuing, honoured = given(ran.stdout).rail(MppConfig).secret_keys()
    assert (honoured, issuing != OLD, len(issuing)) == (OLD, True, 64)
    assert OLD not in ran.output
    assert issuing not in ran.output
    assert {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {
        "mpp_secret_key": 0o444,  # as it was: containers run as other users
        "mpp_previous_secret_key": 0o444,
    }


def test_the_old_secret_may_come_from_the_settings(operator: Operator, tmp_path: Path) -> None:
    operator.environment["CLEARCANVAS_MPP__SECRET_KEY"] = OLD
    assert operator.run("keys", "rotate", "mpp", str(tmp_path), "--yes").exit_code == 0
    assert (tmp_path / "mpp_previous_secret_key").read_text().strip() == OLD


def test_a_leaked_mpp_secret_is_not_kept(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "mpp_secret_key").write_text(OLD)
    (tmp_path / "mpp_previous_secret_key").write_text("an older one")
    ran = operator.run("keys", "rotate", "mpp", str(tmp_path), "--leaked", "--yes")
    assert ran.exit_code == 0, ran.output
    assert [file.name for file in tmp_path.iterdir()] == ["mpp_secret_key"]
    assert OLD not in (tmp_path / "mpp_secret_key").read_text()


def test_a_new_settlement_key_leaves_the_old_one_where_its_gas_can_be_had(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "x402_settlement_key").write_text(OLD_KEY)
    ran = operator.run("keys", "rotate", "settlement", str(tmp_path), "--yes")
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / f"x402_settlement_key.{account_of(SecretStr(OLD_KEY))}").read_text().strip() == OLD_KEY
    key = given(ran.stdout).rail(X402Config).settlement_key
    assert key is not None
    assert f"Send ETH to {account_of(key)}" in ran.stdout
    assert OLD_KEY not in ran.output


def test_nothing_is_changed_before_a_yes(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "mpp_secret_key").write_text(OLD)
    assert operator.run("keys", "rotate", "mpp", str(tmp_path), answer="n\n").exit_code == 1
    assert (tmp_path / "mpp_secret_key").read_text() == OLD
    for what in ("runner", "receipts"):
        assert operator.run("keys", "rotate", what, str(tmp_path), "--yes").exit_code == 2


def test_without_an_old_secret_there_is_nothing_to_rotate(operator: Operator, tmp_path: Path) -> None:
    operator.environment |= {"CLEARCANVAS_PROFILE": "testnet", "CLEARCANVAS_MPP__ENABLED": "false"}
    operator.environment |= {
        "CLEARCANVAS_X402__PAY_TO": "0x" + "11" * 20,
        "CLEARCANVAS_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.sqlite3",
    }
    ran = operator.run("keys", "rotate", "mpp", str(tmp_path), "--yes")
    assert ran.exit_code == 1
    assert "is not set: use `new`" in ran.stderr
    assert list(tmp_path.iterdir()) == []
