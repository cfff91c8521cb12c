import pytest

from config import ConfigurationError, load
from payments.mpp.config import MppConfig
from payments.x402.config import X402Config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "ftp://example.com"),
        ("PUBLIC_URL", "example.com"),
        ("PUBLIC_URL", "https://example.com/?a=1"),
        ("CONTACT", "security@example.com"),
        ("CONTACT", "mailto:"),
        ("PRICE_USD", "0"),
        ("PRICE_USD", "-1"),
        ("PRICE_USD", "0.0000001"),
        ("PRICE_USD", "Infinity"),
        ("WORKERS", "0"),
        ("DATABASE_URL", "mysql://host/db"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "*"),
        ("RAIL_HOSTS", "x402.example.com"),
        ("RAIL_HOSTS", '{"x402.example.com": ["paypal"]}'),
        ("UPLOAD__MAX_BYTES", "-1"),
        ("RATE_LIMIT__REDIS_URL", "http://host"),
        ("RUNNER__BACKEND", "npu"),
        ("RUNNER__BACKEND", "cuda,cpu"),
        ("RUNNER__MORE_MODELS", "../large"),
        ("RUNNER__MORE_MODELS", "large="),
        ("RUNNER__MORE_MODELS", "large=cheap"),
        ("RUNNER__MORE_MODELS", "large=0"),
        ("RUNNER__MORE_MODELS", "large=-0.05"),
        ("RUNNER__MORE_MODELS", "large=0.0000001"),
        ("RUNNER__MORE_MODELS", "large=NaN"),
        ("RUNNER__MORE_MODELS", "=0.05"),
        ("X402__CHAIN_ID", "1"),
        ("X402__PAY_TO", "0x90F79bf6EB2c4f870365E785982E1f101E93b907"),
        ("X402__PAY_TO", "90F79bf6EB2c4f870365E785982E1f101E93b906"),
        ("X402__SETTLEMENT_KEY", "0x" + "0" * 64),
        ("X402__SETTLEMENT_KEY", "0x1234"),
        ("X402__RPC_URL", "127.0.0.1:8545"),
        ("MPP__SECRET_KEY", "x" * 31),
        ("RECEIPTS__SIGNING_KEY", "4" * 63),
        ("RECEIPTS__SIGNING_KEY", "0x" + "4" * 62),
        ("RECEIPTS__FORMER_PUBLIC_KEYS", "4" * 42),
        ("RECEIPTS__FORMER_PUBLIC_KEYS", "4" * 42 + "B"),
        ("MPP__CHALLENGE_SECONDS", "5m"),
    ],
)
def test_a_wrong_value_is_refused_under_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({f"CLEARCANVAS_{name}": value})
    assert caught.value.names == (f"CLEARCANVAS_{name}",)


def test_an_address_may_come_without_checksum() -> None:
    address = "0x90f79bf6eb2c4f870365e785982e1f101e93b906"
    assert load({"CLEARCANVAS_X402__PAY_TO": address}).rail(X402Config).pay_to == address


def test_settings_print_no_secret() -> None:
    settings = load({"CLEARCANVAS_X402__RPC_URL": "https://rpc.example.com/v2/marked"})
    shown = f"{settings!r} {settings} {settings.rail(X402Config)!r} {settings.model_dump_json()}"
    assert "marked" not in shown
    key = settings.rail(X402Config).settlement_key
    assert key
    assert key.get_secret_value() not in shown


def test_what_logs_strike_out_are_the_secrets_and_the_parts_of_urls_that_libraries_quote() -> None:
    settings = load(
        {
            "CLEARCANVAS_X402__RPC_URL": "https://rpc.example.com/v2/0123456789abcdef",
            "CLEARCANVAS_DATABASE_URL": "postgresql://user:long-password@host/db",
        }
    )
    secrets = set(settings.secrets())
    assert {"https://rpc.example.com/v2/0123456789abcdef", "/v2/0123456789abcdef", "long-password"} <= secrets
    secret = settings.rail(MppConfig).secret_key
    assert secret
    assert secret.get_secret_value() in secrets
    assert all(len(secret) >= 8 for secret in secrets)


def test_credentials_for_the_facilitator_are_struck_out_of_logs() -> None:
    """A PEM line by line as well: a log keeps no line ends."""
    lines = ["QUJDREVGR0hJSktMTU5PUA==", "cXJzdHV2d3h5ejAxMjM0NQ=="]
    pem = "\\n".join(["-----BEGIN EC PRIVATE KEY-----", *lines, "-----END EC PRIVATE KEY-----"])
    settings = load(
        {
            "CLEARCANVAS_X402__FACILITATOR_KEY_ID": "an-id",
            "CLEARCANVAS_X402__FACILITATOR_KEY_SECRET": pem,
        }
    )
    assert {pem, *lines} <= set(settings.secrets())
    assert lines[0] not in repr(settings)
    settings = load({"CLEARCANVAS_X402__FACILITATOR_TOKEN": "a-marked-token"})
    assert "a-marked-token" in set(settings.secrets())
    assert "marked" not in repr(settings)


def test_the_port_on_which_a_process_serves_is_in_its_address_unless_one_is_set() -> None:
    unset = load({})
    assert unset.at_port(3001).public_url == "http://127.0.0.1:3001"
    assert unset.at_port(None).public_url == unset.public_url
    public = load({"CLEARCANVAS_PUBLIC_URL": "https://cut.example"})
    assert public.at_port(3001).public_url == "https://cut.example"
