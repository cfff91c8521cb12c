"""A look at the MPP rail: its chain and its earnings."""

from payments.diagnosis import Finding
from payments.evm.diagnosis import TIMEOUT_S, examine_balances, examine_nodes
from payments.evm.rpc import RpcClient
from payments.mpp.config import MppConfig
from payments.mpp.pull import DECIMALS
from settings_types import required


async def diagnose(config: MppConfig, names: dict[str, str]) -> list[Finding]:
    """What was found; it changes nothing and sends nothing.

    Args:
        names: of the accepted tokens, by name the address.
    """
    rpc = RpcClient(config.rpc_urls(), timeout_s=TIMEOUT_S, chain_id=config.chain_id)
    try:
        return [
            *await examine_nodes(rpc, config.chain_id),
            *await examine_balances(rpc, required(config.recipient, "recipient"), names, DECIMALS, "currencies"),
        ]
    finally:
        await rpc.aclose()
