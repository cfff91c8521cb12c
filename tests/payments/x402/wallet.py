"""A contract wallet on the local chain: a key signs for it, in 65 bytes as for itself."""

import secrets

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from sandbox.calls import call_data
from sandbox.chains import BaseChain, artefact
from tests.payments.x402.buyer import submit


def deployed(chain: BaseChain, owner: LocalAccount | None = None) -> str:
    """The address of a new wallet, which holds a dollar, and is `owner`'s if there is one."""
    address = to_checksum_address("0x" + secrets.token_hex(20))
    chain.rpc.call("anvil_setCode", address, artefact("Wallet")["runtime_bytecode"])
    chain.fund(address, 1_000_000)
    if owner is not None:
        submit(chain, address, call_data("own(address)", owner.address))
    return address
