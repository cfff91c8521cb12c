"""What the documents say is sold follows the settings."""

from composition import offered_rails
from config import load

MAINNET = {
    "CLEARCANVAS_PROFILE": "mainnet",
    "CLEARCANVAS_PUBLIC_URL": "https://cutouts.example.com",
    "CLEARCANVAS_DATABASE_URL": "postgresql://host/ledger",
    "CLEARCANVAS_X402__RPC_URL": "https://rpc.example.com",
    "CLEARCANVAS_X402__PAY_TO": "0x52908400098527886E0F7030069857D2E4169EE7",
    "CLEARCANVAS_X402__FACILITATOR_URL": "https://facilitator.example.com",
    "CLEARCANVAS_MPP__RECIPIENT": "0x52908400098527886E0F7030069857D2E4169EE7",
    "CLEARCANVAS_MPP__SECRET_KEY": "a secret of more than thirty-two bytes",
}
TESTNET = {**MAINNET, "CLEARCANVAS_PROFILE": "testnet"}


def sold(environ: dict[str, str]) -> list[tuple[str, str, list[str]]]:
    return [(rail.name, rail.place, [token.name for token in rail.tokens]) for rail in offered_rails(load(environ))]


def test_each_profile_names_its_own_networks_and_coins() -> None:
    assert sold(MAINNET) == [("x402", "Base", ["USDC"]), ("mpp", "Tempo", ["pathUSD", "USDC.e"])]
    assert sold(TESTNET) == [
        ("x402", "Base Sepolia (a test network)", ["USDC"]),
        ("mpp", "Tempo Moderato (a test network)", ["pathUSD"]),
    ]
    assert sold({}) == [
        ("x402", "a local test chain with the id of Base Sepolia", ["USDC"]),
        ("mpp", "a local test chain with the id of Tempo Moderato", ["pathUSD", "AlphaUSD"]),
    ]


def test_a_rail_that_is_switched_off_is_not_offered() -> None:
    assert [name for name, *_ in sold({**MAINNET, "CLEARCANVAS_MPP__ENABLED": "false"})] == ["x402"]
    assert [name for name, *_ in sold({**MAINNET, "CLEARCANVAS_X402__ENABLED": "false"})] == ["mpp"]


def test_an_unknown_coin_is_named_by_its_address() -> None:
    coin = "0x20c0000000000000000000000000000000000009"
    assert sold({**TESTNET, "CLEARCANVAS_MPP__CURRENCIES": coin})[1][2] == [coin]
