"""Diagnosis of the MPP rail: its chain and its recipient's balances."""

from payments.diagnosis import Finding
from payments.evm.diagnosis import TIMEOUT_S, examine_balances, examine_nodes
from payments.evm.rpc import RpcClient
from payments.mpp.config import MppConfig
from payments.mpp.pull import DECIMALS
from settings_types import required


async def diagnose(config: MppConfig, names: dict[str, str]) -> list[Finding]:
    """The findings. Changes nothing and sends nothing.

    Args:
        names: accepted tokens, name → address.
    """
    rpc = RpcClient(config.rpc_urls(), timeout_s=TIMEOUT_S, chain_id=config.chain_id)
    try:
        return [
            *await examine_nodes(rpc, config.chain_id),
            *await examine_balances(rpc, required(config.recipient, "recipient"), names, DECIMALS, "currencies"),
        ]
    finally:
        await rpc.aclose()
