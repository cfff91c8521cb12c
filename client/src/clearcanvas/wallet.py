"""The key that signs. It comes from the environment or a file, never from an argument, and appears in no message."""

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
    """A private key of secp256k1, for both rails.

    Raises:
        WalletProblem: not a key of 32 bytes in hex.
    """

    def __init__(self, key: str) -> None:
        if _KEY.fullmatch(key.strip()) is None:
            raise WalletProblem("The key must be a private key of 32 bytes in hex: 0x and 64 digits.")
        try:
            self.account: LocalAccount = Account.from_key(key.strip())
        except ValueError:
            raise WalletProblem("The key must be a private key of secp256k1.") from None

    @property
    def address(self) -> str:
        """The wallet's address, with checksum."""
        return str(self.account.address)

    @property
    def key(self) -> str:
        """For the signers of the SDKs alone."""
        return "0x" + bytes(self.account.key).hex()

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    @classmethod
    def load(cls, key_file: Path | None = None) -> "Wallet":
        """The key in `key_file`, or else in the environment variable BUYER_KEY.

        Raises:
            WalletProblem: there is none, or others may read the file.
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
            raise WalletProblem(f"Others may read the key in {path}. Run: chmod 600 {path}")
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise WalletProblem(f"{path} cannot be read as a key.") from None
