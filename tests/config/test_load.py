import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from mpp.methods.tempo._defaults import PATH_USD, USDC

from config import ConfigurationError, load
from payments.mpp.config import MppConfig
from payments.x402.config import X402Config
from sandbox.accounts import SELLER, SETTLER

SELLING = {
    "CLEARCANVAS_PROFILE": "mainnet",
    "CLEARCANVAS_PUBLIC_URL": "https://cutouts.example.com/",
    "CLEARCANVAS_DATABASE_URL": "postgresql://host/ledger",
    "CLEARCANVAS_X402__RPC_URL": "https://rpc.example.com/v2/0123456789abcdef",
    "CLEARCANVAS_X402__PAY_TO": "0x52908400098527886E0F7030069857D2E4169EE7",
    "CLEARCANVAS_X402__FACILITATOR_URL": "https://facilitator.example.com",
    "CLEARCANVAS_MPP__RECIPIENT": "0x52908400098527886E0F7030069857D2E4169EE7",
    "CLEARCANVAS_MPP__SECRET_KEY": "a secret of more than thirty-two bytes",
}


def refusal(environ: dict[str, str]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(environ)
    return caught.value


def test_the_sandbox_needs_no_settings() -> None:
    settings = load({})
    assert settings.profile == "sandbox"
    assert settings.rail(X402Config).pay_to == settings.rail(MppConfig).recipient == SELLER.address
    key = settings.rail(X402Config).settlement_key
    assert key
    assert key.get_secret_value() == SETTLER.key


def test_a_mainnet_seller_gets_the_real_networks() -> None:
    settings = load(SELLING)
    assert (settings.rail(X402Config).chain_id, settings.rail(MppConfig).chain_id) == (8453, 4217)
    assert settings.rail(X402Config).asset == "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
    assert settings.rail(MppConfig).currencies == (PATH_USD, USDC)
    assert settings.public_url == "https://cutouts.example.com"
    assert settings.trusted_proxies == ()


def test_an_unset_variable_may_stand_empty() -> None:
    assert load({"CLEARCANVAS_WORKERS": ""}).workers == 1


def test_lists_are_split_at_commas_and_blanks() -> None:
    settings = load({"CLEARCANVAS_TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")


def test_a_chain_is_chosen_by_its_id_in_the_environment() -> None:
    chosen = {"CLEARCANVAS_X402__CHAIN_ID": "8453", "CLEARCANVAS_MPP__CHAIN_ID": "4217"}
    settings = load(SELLING | chosen)
    assert (settings.rail(X402Config).chain_id, settings.rail(MppConfig).chain_id) == (8453, 4217)
    for wrong in ("1", "-8453", "8453.0", "0x2105", "base"):
        assert refusal(SELLING | {"CLEARCANVAS_X402__CHAIN_ID": wrong}).names == ("CLEARCANVAS_X402__CHAIN_ID",)


def test_the_default_model_is_the_only_one_unless_more_are_named() -> None:
    assert load({}).model_prices() == {load({}).runner.model: Decimal("0.05")}


def test_further_models_have_the_price_of_all_or_their_own(tmp_path: Path) -> None:
    expected = {"first": Decimal("0.10"), "large": Decimal("0.15"), "second": Decimal("0.10")}
    base = {"CLEARCANVAS_PRICE_USD": "0.10", "CLEARCANVAS_RUNNER__MODEL": "first"}
    settings = load(base | {"CLEARCANVAS_RUNNER__MORE_MODELS": "large=0.15, second"})
    assert settings.model_prices() == expected
    assert list(settings.model_prices()) == list(expected)
    file = tmp_path / "clearcanvas.toml"
    file.write_text('[runner]\nmore_models = ["large=0.15", "second"]\n')
    assert load(base | {"CLEARCANVAS_CONFIG": str(file)}).model_prices() == expected


def test_a_table_is_json_in_the_environment() -> None:
    settings = load({"CLEARCANVAS_RAIL_HOSTS": '{"x402.example.com": ["x402"]}'})
    assert settings.rail_hosts == {"x402.example.com": ("x402",)}


def test_the_environment_wins_over_the_file_and_the_file_over_the_profile(tmp_path: Path) -> None:
    file = tmp_path / "clearcanvas.toml"
    file.write_text(
        'price_usd = "0.10"\nworkers = 2\n[mpp]\nchallenge_seconds = 20\n[rail_hosts]\n"a.example" = ["mpp"]\n'
    )
    settings = load({"CLEARCANVAS_CONFIG": str(file), "CLEARCANVAS_WORKERS": "3"})
    assert (str(settings.price_usd), settings.workers, settings.rail(MppConfig).challenge_seconds) == ("0.10", 3, 20)
    assert settings.rail_hosts == {"a.example": ("mpp",)}


def test_faults_of_single_values_and_of_values_together_come_in_one_error(tmp_path: Path) -> None:
    file = tmp_path / "clearcanvas.toml"
    file.write_text("[x402]\npayto = 1\n")
    error = refusal(
        {
            "CLEARCANVAS_CONFIG": str(file),
            "CLEARCANVAS_PROFILE": "mainnet",
            "CLEARCANVAS_PUBLIC_URL": "https://cutouts.example.com",
            "CLEARCANVAS_PRICE_USD": "0.0000001",
            "CLEARCANVAS_WORKERS": "many",
            "CLEARCANVAS_MPP__SECRET_KEY": "short",
            "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
        }
    )
    assert error.names == (
        "CLEARCANVAS_DATABASE_URL",
        "CLEARCANVAS_MPP__RECIPIENT",
        "CLEARCANVAS_MPP__SECRET_KEY",
        "CLEARCANVAS_PRICE_USD",
        "CLEARCANVAS_WORKERS",
        "CLEARCANVAS_X402__FACILITATOR_URL",
        "CLEARCANVAS_X402__PAYTO",
        "CLEARCANVAS_X402__PAY_TO",
        "CLEARCANVAS_X402__RPC_URL",
    )
    assert all(name in str(error) for name in error.names)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("CLEARCANVAS_X402__PAYTO", "CLEARCANVAS_X402__PAY_TO"),
        ("CLEARCANVAS_WORKER", "CLEARCANVAS_WORKERS"),
        ("CLEARCANVAS_MPP_SECRET_KEY", "CLEARCANVAS_MPP__SECRET_KEY"),
        ("CLEARCANVAS_MPP__CURRENCY", "CLEARCANVAS_MPP__CURRENCIES"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_right_one(wrong: str, right: str) -> None:
    assert f"{wrong}: is not a setting; did you mean {right}?" in str(refusal({wrong: "1"}))


def test_an_unknown_profile_is_the_only_fault_it_causes() -> None:
    assert refusal({"CLEARCANVAS_PROFILE": "production"}).names == ("CLEARCANVAS_PROFILE",)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://host/db"])
def test_a_ledger_has_to_be_kept_somewhere(url: str) -> None:
    assert refusal({"CLEARCANVAS_DATABASE_URL": url}).names == ("CLEARCANVAS_DATABASE_URL",)


@pytest.mark.parametrize("content", [None, b"x402 = [", b"price_usd = '\xff'"])
def test_a_file_that_cannot_be_read_is_a_fault_of_its_name(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "clearcanvas.toml"
    if content is not None:
        file.write_bytes(content)
    assert refusal({"CLEARCANVAS_CONFIG": str(file)}).names == ("CLEARCANVAS_CONFIG",)


def test_no_fault_and_no_traceback_shows_a_secret() -> None:
    """Everything that is secret is given wrongly, and the process that fails to start prints none of it."""
    run = subprocess.run(
        [sys.executable, "-c", "import config; config.load()"],
        env={
            "CLEARCANVAS_X402__SETTLEMENT_KEY": "marked-key",
            "CLEARCANVAS_MPP__SECRET_KEY": "marked-secret",
            "CLEARCANVAS_X402__RPC_URL": "marked-rpc",
            "CLEARCANVAS_DATABASE_URL": "mysql://user:marked-password@host/db",
            "CLEARCANVAS_RATE_LIMIT__REDIS_URL": "marked-redis",
        },
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "CLEARCANVAS_MPP__SECRET_KEY: must have at least 32 bytes" in run.stderr
    assert "marked" not in run.stderr + run.stdout
