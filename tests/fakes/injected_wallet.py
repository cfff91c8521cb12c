"""A wallet extension as web pages see it: `window.ethereum` (EIP-1193), with an account of its own."""

import json
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from playwright.async_api import Page

_INJECTED = """
window.ethereum = {
  async request(call) {
    const { result, error } = await window.askInjectedWallet(call)
    if (error) throw Object.assign(new Error(error.message), { code: error.code })
    return result
  },
}
"""
REFUSED = {"code": 4001, "message": "User rejected the request."}
UNKNOWN_CHAIN = {"code": 4902, "message": "Unrecognized chain ID."}


@dataclass
class InjectedWallet:
    """Signs with a private key and knows every chain, unless it is told to refuse a method.

    Attributes:
        refusals: method → error of EIP-1193 that it answers.
        calls: the methods that were asked for, in order.
        chain_id: where the page has put it; None before.
    """

    key: str
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    chain_id: int | None = None

    async def inject(self, page: Page) -> None:
        """Be there when the next page loads."""
        await page.expose_function("askInjectedWallet", self._answer)
        await page.add_init_script(_INJECTED)

    async def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        method = call["method"]
        self.calls.append(method)
        if method in self.refusals:
            return {"error": self.refusals[method]}
        return {"result": self._result(method, call.get("params") or [])}

    def _result(self, method: str, params: list[Any]) -> Any:
        account = Account.from_key(self.key)
        if method == "eth_requestAccounts":
            return [account.address]
        if method == "wallet_switchEthereumChain":
            self.chain_id = int(params[0]["chainId"], 16)
            return None
        assert method == "eth_signTypedData_v4", method
        address, typed = params[0], json.loads(params[1])
        # As wallets do: no signature for another account, or for another chain than the chosen one.
        assert address == account.address
        assert typed["domain"]["chainId"] == self.chain_id
        return "0x" + account.sign_typed_data(full_message=typed).signature.hex().removeprefix("0x")
