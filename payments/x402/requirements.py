"""What we ask for: the v2 payment requirement, and the v1 form derived from it (x402 specifications 1 and 2, §5.1)."""

from dataclasses import dataclass

from eth_utils.address import is_address, to_checksum_address
from x402.schemas import PaymentRequirements
from x402.schemas.v1 import PaymentRequirementsV1

from payments.money import Price

SCHEME_EXACT = "exact"
USDC_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class EvmNetwork:
    """A chain we take USDC on, with the token's EIP-712 domain name and version."""

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
        chain_id: 84532 (Base Sepolia) or 8453 (Base).
        asset, pay_to: token contract and our own address, any letter case.
        max_timeout_seconds: how long clients are asked to keep an authorization valid.

    Raises:
        ValueError: another network, or something that is no address.
    """

    def __init__(self, *, chain_id: int, asset: str, pay_to: str, max_timeout_seconds: int, description: str) -> None:
        if chain_id not in NETWORKS:
            raise ValueError(f"x402 is taken on chains {sorted(NETWORKS)}, not on {chain_id}")
        self.network = NETWORKS[chain_id]
        self.asset = _address("asset", asset)
        self.pay_to = _address("recipient", pay_to)
        self.description = description
        self.max_timeout_seconds = max_timeout_seconds

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
        """The same requirement for v1 clients, who want description and media type in it."""
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


def _address(what: str, value: str) -> str:
    if not is_address(value):
        raise ValueError(f"the x402 {what} is not an address: {value}")
    return to_checksum_address(value)
