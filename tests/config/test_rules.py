from pathlib import Path

import pytest

import config
from config import ConfigurationError, load, runner_faults
from payments.development_accounts import DEVELOPMENT_ADDRESSES
from payments.mpp.config import SANDBOX_SECRET, MppConfig
from payments.receipts.config import ReceiptConfig
from sandbox.accounts import ACCOUNTS, SELLER, SETTLER
from sandbox.chains import TempoChain

SELLING = {
    "PROFILE": "mainnet",
    "PUBLIC_URL": "https://cutouts.example.com",
    "DATABASE_URL": "sqlite:////var/lib/clearcanvas/ledger.sqlite3",
    "X402__RPC_URL": "https://rpc.example.com",
    "X402__PAY_TO": "0x52908400098527886E0F7030069857D2E4169EE7",
    "X402__FACILITATOR_URL": "https://facilitator.example.com",
    "MPP__RECIPIENT": "0x52908400098527886E0F7030069857D2E4169EE7",
    "MPP__SECRET_KEY": "a secret of more than thirty-two bytes",
}


def faults(**changes: str) -> set[str]:
    """Names of the settings at fault when a good mainnet configuration is changed; "" takes one away."""
    environ = {f"CLEARCANVAS_{name}": value for name, value in (SELLING | changes).items()}
    try:
        load(environ)
    except ConfigurationError as error:
        return {name.removeprefix("CLEARCANVAS_") for name in error.names}
    return set()


def test_a_good_configuration_has_no_faults() -> None:
    assert faults() == set()


@pytest.mark.parametrize("name", ["X402__RPC_URL", "X402__PAY_TO", "X402__FACILITATOR_URL", "MPP__RECIPIENT"])
def test_what_a_rail_needs_may_not_be_missing(name: str) -> None:
    assert faults(**{name: ""}) == {name}


def test_a_rail_that_is_switched_off_needs_nothing() -> None:
    assert faults(X402__ENABLED="false", X402__RPC_URL="", X402__PAY_TO="", X402__FACILITATOR_URL="") == set()
    assert faults(MPP__ENABLED="false", MPP__RECIPIENT="", MPP__SECRET_KEY="") == set()


def test_a_list_of_denied_payers_can_be_read_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "denied"
    assert faults(DENIED_PAYERS=str(file)) == {"DENIED_PAYERS"}
    file.write_text(f"{SELLER.address}  # why\n")
    assert faults(DENIED_PAYERS=str(file)) == set()
    file.write_text("nobody\n")
    assert faults(DENIED_PAYERS=str(file)) == {"DENIED_PAYERS"}


def test_header_fields_for_traces_are_pairs() -> None:
    assert faults(TRACES__ENDPOINT="http://collector:4318", TRACES__HEADERS="authorization=Bearer a=b, x=y") == set()
    for wrong in ("authorization", "=x", "a=b,"):
        assert faults(TRACES__HEADERS=wrong) == {"TRACES__HEADERS"}
    assert faults(TRACES__SHARE="1.5") == {"TRACES__SHARE"}


def test_one_rail_has_to_be_on() -> None:
    assert faults(X402__ENABLED="false", MPP__ENABLED="false") == {"X402__ENABLED"}


TESTNET = {"PROFILE": "testnet"}
CODE = Path(config.__file__).parents[1]


@pytest.mark.parametrize("profile", [{}, TESTNET])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite:///state/ledger.sqlite3",
        "sqlite:///ledger.sqlite3",
        "sqlite+aiosqlite:///../ledger.sqlite3",
        f"sqlite:///{CODE}/state/ledger.sqlite3",
        f"sqlite:///{CODE}/../{CODE.name}/ledger.sqlite3",
        "sqlite:///file:state/ledger.sqlite3?uri=true",
        f"sqlite:///file:{CODE}/ledger.sqlite3?mode=rw&uri=true",
    ],
)
def test_a_ledger_of_real_payments_outlives_the_code(profile: dict[str, str], url: str) -> None:
    assert faults(**profile, DATABASE_URL=url) == {"DATABASE_URL"}


@pytest.mark.parametrize(
    "url",
    [f"sqlite:///{CODE}-volume/ledger.sqlite3", "sqlite+aiosqlite:////data/ledger.sqlite3", "postgres://host/name"],
)
def test_a_ledger_may_stand_anywhere_else(url: str) -> None:
    assert faults(DATABASE_URL=url) == faults(**TESTNET, DATABASE_URL=url) == set()


def test_a_link_into_the_code_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "volume"
    link.symlink_to(CODE)
    assert faults(DATABASE_URL=f"sqlite:///{link}/ledger.sqlite3") == {"DATABASE_URL"}


def test_a_wrong_place_is_answered_with_a_right_one() -> None:
    with pytest.raises(ConfigurationError, match="such as sqlite:////var/lib/clearcanvas/ledger"):
        load({"CLEARCANVAS_PROFILE": "mainnet"})


def test_the_sandbox_keeps_its_ledger_beside_the_code() -> None:
    assert load({}).ledger_url() == "sqlite:///state/ledger.sqlite3"


def test_a_settlement_key_takes_the_place_of_a_facilitator() -> None:
    assert faults(X402__FACILITATOR_URL="", X402__SETTLEMENT_KEY="0x" + "42" * 32) == set()


@pytest.mark.parametrize("address", [each.address for each in ACCOUNTS])
def test_a_development_account_sells_nothing_on_mainnet(address: str) -> None:
    assert address in DEVELOPMENT_ADDRESSES
    assert faults(X402__PAY_TO=address, MPP__RECIPIENT=address.lower()) == {"X402__PAY_TO", "MPP__RECIPIENT"}


def test_a_development_key_settles_nothing_on_mainnet() -> None:
    assert faults(X402__SETTLEMENT_KEY=SETTLER.key) == {"X402__SETTLEMENT_KEY"}


@pytest.mark.parametrize("name", ["MPP__SECRET_KEY", "MPP__PREVIOUS_SECRET_KEY"])
def test_the_sandbox_secret_signs_nothing_on_mainnet(name: str) -> None:
    assert faults(**{name: SANDBOX_SECRET}) == {name}


@pytest.mark.parametrize("profile", ["testnet", "mainnet"])
def test_the_sandbox_key_signs_no_receipts_elsewhere(profile: str) -> None:
    wrong = faults(PROFILE=profile, RECEIPTS__SIGNING_KEY=ReceiptConfig.sandbox_key.upper())
    assert "RECEIPTS__SIGNING_KEY" in wrong
    assert "RECEIPTS__SIGNING_KEY" not in faults(PROFILE=profile, RECEIPTS__SIGNING_KEY="42" * 32)


def test_development_accounts_are_welcome_on_a_test_network() -> None:
    assert faults(PROFILE="testnet", X402__PAY_TO=SELLER.address, MPP__RECIPIENT=SELLER.address) == set()


def test_mainnet_is_served_over_tls() -> None:
    assert faults(PUBLIC_URL="http://cutouts.example.com") == {"PUBLIC_URL"}


def test_profile_and_networks_have_to_agree() -> None:
    test_networks = {"X402__CHAIN_ID": "84532", "MPP__CHAIN_ID": "42431"}
    assert faults(**test_networks) == set(test_networks)
    real_networks = {"X402__CHAIN_ID": "8453", "MPP__CHAIN_ID": "4217"}
    assert faults(PROFILE="testnet", **real_networks) == set(real_networks)


def test_deadlines_have_to_leave_time() -> None:
    assert faults(X402__SETTLE_TIMEOUT_S="119") == {"X402__MAX_TIMEOUT_SECONDS"}
    assert faults(MPP__CHALLENGE_SECONDS="8") == {"MPP__CHALLENGE_SECONDS"}
    assert faults(MPP__BROADCAST_MARGIN_S="9") == {"MPP__WORK_MARGIN_S"}


def test_a_token_is_accepted_once_and_one_at_least() -> None:
    assert faults(MPP__CURRENCIES="0x20c0000000000000000000006a37DA5C996874BE") == set()
    assert faults(MPP__CURRENCIES=f"{TempoChain.token}, {TempoChain.token}") == {"MPP__CURRENCIES"}
    assert faults(MPP__CURRENCIES=", ") == {"MPP__CURRENCIES"}
    assert faults(MPP__CURRENCIES="pathUSD") == {"MPP__CURRENCIES"}


@pytest.mark.parametrize("hosts", ['{"X402.example.com": ["x402"]}', '{"https://x402.example.com": ["x402"]}'])
def test_a_host_is_named_as_requests_name_it(hosts: str) -> None:
    assert faults(RAIL_HOSTS=hosts) == {"RAIL_HOSTS"}


def test_a_host_cannot_quote_a_rail_that_is_switched_off() -> None:
    assert faults(RAIL_HOSTS='{"mpp.example.com": ["mpp"]}', MPP__ENABLED="false") == {"RAIL_HOSTS"}


@pytest.mark.parametrize("more", ["large, large=0.15", "first"])
def test_a_model_is_served_once(more: str) -> None:
    """At one price; a second one would be silently without effect."""
    assert faults(RUNNER__MODEL="first", RUNNER__MORE_MODELS="large=0.15") == set()
    assert faults(RUNNER__MODEL="first", RUNNER__MORE_MODELS=more) == {"RUNNER__MORE_MODELS"}


ED25519 = "QUFB" * 21 + "QQ=="  # of the right length
KEY = {"X402__FACILITATOR_KEY_ID": "an-id", "X402__FACILITATOR_KEY_SECRET": ED25519}
CDP = {"X402__FACILITATOR_URL": "https://api.cdp.coinbase.com/platform/v2/x402"}


def test_a_facilitator_may_want_credentials() -> None:
    assert faults(**KEY) == faults(**CDP, **KEY) == set()
    assert faults(X402__FACILITATOR_TOKEN="a-token-of-some-length") == set()


def test_a_facilitator_that_answers_signed_calls_only_is_not_accepted_without_a_key() -> None:
    """It would answer 401 to the first buyer."""
    assert faults(**CDP) == {"X402__FACILITATOR_URL"}
    assert faults(**CDP, X402__FACILITATOR_TOKEN="a-token-of-some-length") == {"X402__FACILITATOR_URL"}
    assert faults(**CDP, X402__SETTLEMENT_KEY="0x" + "42" * 32) == set()


@pytest.mark.parametrize("missing", KEY)
def test_a_key_has_an_id_and_a_secret(missing: str) -> None:
    assert faults(**KEY | {missing: ""}) == {missing}


def test_credentials_are_of_one_kind() -> None:
    assert faults(**KEY, X402__FACILITATOR_TOKEN="a-token-of-some-length") == {"X402__FACILITATOR_TOKEN"}
    url = "https://user:password@facilitator.example.com"
    assert faults(**KEY, X402__FACILITATOR_URL=url) == {"X402__FACILITATOR_URL"}
    assert faults(X402__FACILITATOR_URL=url) == set()


def test_credentials_go_over_tls() -> None:
    assert faults(**KEY, X402__FACILITATOR_URL="http://facilitator.example.com") == {"X402__FACILITATOR_URL"}
    assert faults(**KEY, X402__FACILITATOR_URL="http://127.0.0.1:8080") == set()


SIGNER = {
    "X402__FACILITATOR_URL": "",
    "X402__SIGNER_URL": "https://signer.example.com/key",
    "X402__SIGNER_ADDRESS": "0x52908400098527886e0f7030069857d2e4169ee7",
    "X402__SIGNER_TOKEN": "a-token-of-some-length",
}


def test_a_remote_signer_takes_the_place_of_a_settlement_key() -> None:
    assert faults(**SIGNER) == faults(**SIGNER | {"X402__SIGNER_TOKEN": ""}) == set()
    assert faults(**SIGNER, X402__SETTLEMENT_KEY="0x" + "42" * 32) == {"X402__SIGNER_URL"}
    assert faults(**SIGNER | {"X402__SIGNER_URL": "", "X402__SETTLEMENT_KEY": "0x" + "42" * 32}) == {"X402__SIGNER_URL"}


def test_a_remote_signer_has_an_account() -> None:
    assert faults(**SIGNER | {"X402__SIGNER_ADDRESS": ""}) == {"X402__SIGNER_ADDRESS"}
    assert faults(**SIGNER | {"X402__SIGNER_ADDRESS": SETTLER.address}) == {"X402__SIGNER_ADDRESS"}
    assert faults(**SIGNER | {"X402__SIGNER_URL": "", "X402__FACILITATOR_URL": "https://f.example"}) == {
        "X402__SIGNER_URL"
    }


def test_a_remote_signer_is_waited_for_less_than_the_lease_of_the_lock() -> None:
    assert faults(**SIGNER, X402__SIGNER_TIMEOUT_S="2") == set()
    for seconds in ("0", "2.1", "nan"):
        assert faults(**SIGNER, X402__SIGNER_TIMEOUT_S=seconds) == {"X402__SIGNER_TIMEOUT_S"}


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000", "http://10.1.2.3:9000"),
        *("http://100.64.0.7", "http://[fd00::7]", "http://web3signer:9000", "http://signer.sales.svc.cluster.local"),
        *("http://signer.internal:9000", "https://203.0.114.7", "https://user:password@signer.example.com"),
    ],
)
def test_a_remote_signer_is_reached_over_tls_or_in_a_private_network(url: str) -> None:
    assert faults(**SIGNER | {"X402__SIGNER_URL": url, "X402__SIGNER_TOKEN": ""}) == set()


@pytest.mark.parametrize(
    "url",
    [
        *("http://signer.example.com", "http://203.0.114.7:9000", "http://[2a00::7]", "ws://127.0.0.1", "wss://signer"),
        *(
            "http://internal.example.com",
            "http://10.1.2.3.example.com",
            "http://3405804039",
            "http://0xcb007207",
            "https://user:password@signer.example.com",
        ),
    ],
)
def test_a_remote_signer_is_not_reached_otherwise(url: str) -> None:
    """Nor with a user in its URL beside a token: a request has one Authorization."""
    assert faults(**SIGNER | {"X402__SIGNER_URL": url}) == {"X402__SIGNER_URL"}


@pytest.mark.parametrize("secret", ["short", "QUFB", ED25519[:-4]])
def test_a_key_secret_has_the_form_of_one(secret: str) -> None:
    assert faults(**KEY | {"X402__FACILITATOR_KEY_SECRET": secret}) == {"X402__FACILITATOR_KEY_SECRET"}


TOKEN = "a token of thirty-two bytes or more, for tests"


@pytest.mark.parametrize(
    ("changes", "at_fault"),
    [
        ({"HOST": "0.0.0.0"}, {"RUNNER__TOKEN"}),  # noqa: S104  # nobody listens
        ({"HOST": "0.0.0.0", "TOKEN": TOKEN}, set()),  # noqa: S104  # as above
        ({"HOST": "127.0.0.2"}, set()),
        ({"HOST": "runner.example"}, {"RUNNER__HOST"}),
        ({"ADDRESSES": "http://127.0.0.2:3100,http://localhost:3101"}, set()),
        ({"ADDRESSES": "http://10.0.0.7:3100"}, {"RUNNER__TOKEN"}),
        ({"ADDRESSES": "http://10.0.0.7:3100", "TOKEN": TOKEN}, set()),
        ({"ADDRESSES": "http://10.0.0.7:3100", "TOKEN": "short"}, {"RUNNER__TOKEN"}),
        ({"ADDRESSES": "http://127.0.0.2:3100/infer"}, {"RUNNER__ADDRESSES"}),
        ({"ADDRESSES": "127.0.0.2:3100"}, {"RUNNER__ADDRESSES"}),
        ({"PORT": "0"}, {"RUNNER__PORT"}),
    ],
)
def test_a_runner_on_another_host_needs_a_token(changes: dict[str, str], at_fault: set[str]) -> None:
    assert faults(**{f"RUNNER__{name}": value for name, value in changes.items()}) == at_fault


def test_a_runner_on_a_host_of_its_own_knows_no_rail_and_no_ledger() -> None:
    settings = load({"CLEARCANVAS_PROFILE": "mainnet"}, rules=runner_faults)
    assert (settings.rail(MppConfig).secret_key, settings.database_url) == (None, None)
    with pytest.raises(ConfigurationError, match="CLEARCANVAS_RUNNER__TOKEN: is missing"):
        load({"CLEARCANVAS_PROFILE": "mainnet", "CLEARCANVAS_RUNNER__HOST": "::"}, rules=runner_faults)


def test_the_runners_token_may_be_in_no_log() -> None:
    settings = load({"CLEARCANVAS_RUNNER__TOKEN": TOKEN})
    assert TOKEN in set(settings.secrets())
