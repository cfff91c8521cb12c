"""Diagnosis of the x402 rail: its chain, its recipient's balance, and settlement."""

from decimal import Decimal

from errors import RailUnavailable
from payments.diagnosis import Finding, fault, good, warning
from payments.evm.diagnosis import TIMEOUT_S, examine_balances, examine_nodes
from payments.evm.questions import balance
from payments.evm.rpc import RpcClient
from payments.rail_info import RailDependencies
from payments.x402.broadcaster import Broadcaster
from payments.x402.config import X402Config
from payments.x402.gas_alarm import LOW
from payments.x402.http_facilitator import HttpFacilitator
from payments.x402.rail import own_broadcaster
from payments.x402.requirements import USDC_DECIMALS, QuoteTerms

_ETHER = 18


async def diagnose(config: X402Config, needs: RailDependencies) -> list[Finding]:
    """The findings. Changes nothing and sends nothing."""
    rpc, terms = RpcClient(config.rpc_urls(), timeout_s=TIMEOUT_S, chain_id=config.chain_id), QuoteTerms(config)
    try:
        return [
            *await examine_nodes(rpc, config.chain_id),
            *await examine_balances(rpc, terms.pay_to, {"USDC": terms.asset}, USDC_DECIMALS, "asset"),
            *await (_key(config, rpc, needs) if config.settles_itself else _facilitator(config, rpc)),
        ]
    finally:
        await rpc.aclose()


async def _facilitator(config: X402Config, rpc: RpcClient) -> list[Finding]:
    facilitator = HttpFacilitator(config, rpc=rpc)
    try:
        out = await facilitator.health()
    finally:
        await facilitator.aclose()
    if out is None:
        return [good("facilitator", "It responds, and settles on this chain.")]
    remedy = "Check its URL and the credentials, or settle with your own key."
    return [fault("facilitator", out, remedy, "facilitator_url", "facilitator_key_id", "settlement_key")]


async def _key(config: X402Config, rpc: RpcClient, needs: RailDependencies) -> list[Finding]:
    broadcaster = own_broadcaster(config, rpc, needs.lock(""), needs.outbox, needs.highest_price)
    try:
        signer = [] if config.signer_url is None else [await _signer(broadcaster, config)]
        return [*signer, *await _gas(broadcaster, config, rpc)]
    finally:
        await broadcaster.aclose()


async def _signer(broadcaster: Broadcaster, config: X402Config) -> Finding:
    try:
        await broadcaster.check_signer()
    except RailUnavailable as outage:
        remedy = "Is it up and reachable from this host, for this account, chain and token? Its own log says more."
        return fault("signer", outage.detail, remedy, "signer_url", "signer_address", "signer_token", "chain_id")
    return good("signer", f"It signs for {broadcaster.address} on chain {config.chain_id}.")


async def _gas(broadcaster: Broadcaster, config: X402Config, rpc: RpcClient) -> list[Finding]:
    account = broadcaster.address
    try:
        outlook, wei = await broadcaster.outlook(), await rpc.ask(balance(account))
    except RailUnavailable:
        says = f"The balance of {account}, which pays the gas, cannot be read."
        return [fault("gas", says, "Check the RPC URLs.", "rpc_url")]
    ether = f"{account} holds {Decimal(wei).scaleb(-_ETHER).normalize():f} ETH, for {outlook.affordable} settlements."
    send = f"Send ETH on chain {config.chain_id} to {account}."
    gas = good("gas", ether) if outlook.affordable >= LOW else warning("gas", ether, send)
    if not outlook.affordable:
        gas = fault("gas", ether, send)
    cost = f"Settling costs {outlook.cost_share:.1%} of the highest price."
    if outlook.worth_it:
        return [gas, good("cost", cost)]
    remedy = "This ends when fees fall. Otherwise raise the price, or use a facilitator."
    return [gas, fault("cost", cost, remedy, "max_fee_share", "eth_usd", "facilitator_url")]
