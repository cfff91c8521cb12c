"""A third rail, added as a contributor would add one: this folder, and a line in a table of rails."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import PositiveInt

from payments.money import Price
from payments.rail import Rail
from payments.rail_info import Network, PaymentInfo, RailDependencies, RailInfo, RailSection
from settings_types.section import MISSING, Fault
from settings_types.types import Address
from tests.fakes.rails import ScriptedRail

COIN = "0x00000000000000000000000000000000000000c0"


class ThirdConfig(RailSection):
    """The settings of the third rail."""

    chain_id: int = 7
    """Its only network."""
    payee: Address | None = None
    """Who is paid on the third rail."""
    seconds: PositiveInt = 90
    """For how long its quotes hold."""

    @property
    def tokens(self) -> tuple[str, ...]:
        return (COIN,)

    @property
    def quote_seconds(self) -> int:
        return self.seconds

    def faults(self) -> Iterator[Fault]:
        if self.payee is None:
            yield Fault("payee", MISSING)


def _build(config: ThirdConfig, needs: RailDependencies) -> Rail:
    return ScriptedRail("third")


def _payment_info(tokens: Sequence[str], price: Price) -> PaymentInfo:
    return PaymentInfo([{"third": {"coins": list(tokens)}}], [])


RAIL = RailInfo(
    name="third",
    label="Third",
    section=ThirdConfig,
    presets={"sandbox": {"rpc_url": "http://127.0.0.1:9"}, "testnet": {}, "mainnet": {}},
    networks={7: Network("Thirdnet", is_real=False)},
    token_names={COIN: "thirdcoin"},
    payment_headers={"third-payment": "A payment over the third rail."},
    quote_headers={"Third-Quote": "The quote of the third rail."},
    receipt_headers={"Third-Receipt": "The receipt of the third rail."},
    quote_members={"description": "`third` is the quote.", "properties": {"third": {"type": "object"}}},
    payment_info=_payment_info,
    documents=lambda urls: {"/.well-known/third": {"sold": list(urls)}},
    pages=Path(__file__).parent / "pages",
    build=_build,
)
