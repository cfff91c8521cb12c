"""The v2 payment requirement, and the v1 form derived from it (x402 specifications 1 and 2, §5.1)."""

from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from x402.schemas import PaymentRequirements
from x402.schemas.v1 import PaymentRequirementsV1

from payments.money import Price
from payments.x402.config import X402Config
from settings_types import required

SCHEME_EXACT = "exact"
USDC_DECIMALS = 6
DESCRIPTION = "Background removal for one image"


@dataclass(frozen=True, slots=True)
class EvmNetwork:
    """A chain on which USDC is accepted, with the token's EIP-712 domain name and version."""

    chain_id: int
    v1_name: str
    token_name: str
    token_version: str

    @property
    def caip2(self) -> str:
        """The v2 name: `eip155:84532`."""
        return f"eip155:{self.chain_id}"


NETWORKS = {
    network.chain_id: network
    for network in (EvmNetwork(84532, "base-sepolia", "USDC", "2"), EvmNetwork(8453, "base", "USD Coin", "2"))
}


class QuoteTerms:
    """The constant part of every quote.

    Args:
        config: chain, token, recipient, and the requested validity of authorizations.
        pay_to: another recipient than that of `config`.

    Raises:
        ValueError: the recipient is missing.
    """

    def __init__(self, config: X402Config, *, pay_to: str | None = None) -> None:
        self.network = NETWORKS[config.chain_id]
        self.asset = to_checksum_address(config.asset)
        self.pay_to = to_checksum_address(pay_to or required(config.pay_to, "x402.pay_to"))
        self.description = DESCRIPTION
        self.max_timeout_seconds = config.max_timeout_seconds

    def requirements(self, units: int) -> PaymentRequirements:
        """The v2 requirement for an amount in base units."""
        return PaymentRequirements(
            scheme=SCHEME_EXACT,
            network=self.network.caip2,
            asset=self.asset,
            amount=str(units),
            pay_to=self.pay_to,
            max_timeout_seconds=self.max_timeout_seconds,
            extra={"name": self.network.token_name, "version": self.network.token_version},
        )

    def requirements_v1(self, units: int, url: str, media_type: str) -> PaymentRequirementsV1:
        """The same requirement for v1 clients, with description and media type."""
        offer = self.requirements(units)
        return PaymentRequirementsV1(
            scheme=offer.scheme,
            network=self.network.v1_name,
            max_amount_required=offer.amount,
            resource=url,
            description=self.description,
            mime_type=media_type,
            pay_to=offer.pay_to,
            max_timeout_seconds=offer.max_timeout_seconds,
            asset=offer.asset,
            extra=offer.extra,
        )


def base_units(price: Price) -> int:
    """The price in units of USDC."""
    return price.base_units(USDC_DECIMALS)
