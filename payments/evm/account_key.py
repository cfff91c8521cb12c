"""A private key in memory, which signs transactions."""

import coincurve
from eth_utils.hexadecimal import decode_hex
from pydantic import SecretStr

from payments.evm.transaction_signer import Call, encode, signing_hash, transaction_hash
from settings_types import account_of


class AccountKey:
    """`TransactionSigner` with a key in this process.

    Args:
        key: 32 bytes as hex.

    Raises:
        ValueError: it is not a private key.
    """

    def __init__(self, key: str) -> None:
        self._address = account_of(SecretStr(key))
        self._key = coincurve.PrivateKey(decode_hex(key))

    @property
    def address(self) -> str:
        return self._address

    async def sign(self, call: Call) -> tuple[str, bytes]:
        fields = call.fields()
        signature = self._key.sign_recoverable(signing_hash(fields), hasher=None)
        r, s, parity = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
        raw = encode(fields, parity, r, s)
        return transaction_hash(raw), raw

    async def check(self) -> None:
        pass  # a key in memory always signs

    async def aclose(self) -> None:
        pass  # it has no connections
