"""The signing key. It comes from the environment or a file, never from an argument, and no message contains it."""

import os
import re
import stat
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from clearcanvas.errors import WalletProblem

KEY_VARIABLE = "BUYER_KEY"
_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")


class Wallet:
    """A secp256k1 private key, for both rails.

    Raises:
        WalletProblem: `key` is not a 32-byte key in hex.
    """

    def __init__(self, key: str) -> None:
        if _KEY.fullmatch(key.strip()) is None:
            raise WalletProblem("The key must be a 32-byte private key in hex: 0x and 64 digits.")
        try:
            self.account: LocalAccount = Account.from_key(key.strip())
        except ValueError:
            raise WalletProblem("The key must be a secp256k1 private key.") from None

    @property
    def address(self) -> str:
        """The wallet's address with EIP-55 checksum."""
        return str(self.account.address)

    @property
    def key(self) -> str:
        """The private key in hex, only for the SDKs' signers."""
        return "0x" + bytes(self.account.key).hex()

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    @classmethod
    def load(cls, key_file: Path | None = None) -> "Wallet":
        """The key in `key_file`, or by default in the environment variable BUYER_KEY.

        Raises:
            WalletProblem: there is no key, or other users may read the file.
        """
        if key_file is not None:
            return cls(_read(key_file))
        key = os.environ.get(KEY_VARIABLE)
        if not key:
            raise WalletProblem(
                f"Set {KEY_VARIABLE} to the wallet's private key, or name a file that holds it (--key-file)."
            )
        return cls(key)


def _read(path: Path) -> str:
    try:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise WalletProblem(f"Other users may read the key in {path}. Run: chmod 600 {path}")
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise WalletProblem(f"{path} cannot be read as a key.") from None
