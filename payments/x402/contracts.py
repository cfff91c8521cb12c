"""Calls of a contract's functions by the SDK's ABI."""

from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.abi import get_abi_output_types
from x402.mechanisms.evm.multicall import encode_contract_call

from errors import RailUnavailable
from payments.evm.question import JsonRpc, UnexpectedReturn
from payments.evm.questions import Height, call

UNENCODABLE = (EncodingError, TypeError, ValueError)
"""Exceptions of encoding arguments that do not match the function."""


async def read_contract(
    rpc: JsonRpc,
    address: str,
    abi: list[dict[str, Any]],
    function: str,
    *args: Any,
    sender: str,
    height: Height = "latest",
) -> Any:
    """The decoded result of a contract's function, called as `sender` at a height; a single value is not in a list.

    Raises:
        Reverted: the contract reverts the call.
        UnexpectedReturn: the address has no contract with this function.
        RailUnavailable: the chain does not respond, or the arguments do not match the function.
    """
    try:
        data = "0x" + encode_contract_call(abi, function, *args).hex()
    except UNENCODABLE:
        raise RailUnavailable("The chain cannot be asked about this payment.") from None
    returned = await rpc.ask(call(address, data, sender=sender, height=height))
    types = get_abi_output_types(_function(abi, function))
    try:
        values = decode(types, returned)
    except DecodingError:
        raise UnexpectedReturn(f"{function} returned unexpected data") from None
    return values[0] if len(values) == 1 else list(values)


def _function(abi: list[dict[str, Any]], name: str) -> Any:
    return next(entry for entry in abi if entry.get("name") == name)
