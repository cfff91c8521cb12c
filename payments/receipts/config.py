"""The settings of signed receipts; importing this loads no cryptography."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from settings_types import CommaSeparated, Ed25519PublicKey, Ed25519Seed, Fault, Section, reveal


class ReceiptConfig(Section):
    """Receipts that the service signs."""

    sandbox_key: ClassVar[str] = "636c65617263616e7661732073616e64626f782072656365697074206b657921"
    """Known to everybody; refused outside of the sandbox."""

    signing_key: Ed25519Seed | None = None
    """Ed25519 key that receipts are signed with, the same on all machines: `openssl rand -hex 32`. Without it no signed
    receipts are offered."""
    former_public_keys: Annotated[tuple[Ed25519PublicKey, ...], CommaSeparated] = ()
    """Public keys of earlier signing keys, which stay published: the `x` of each in `/.well-known/jwks.json`."""

    @property
    def key(self) -> str | None:
        """The signing key, in hex."""
        return reveal(self.signing_key)

    def faults(self, *, is_sandbox: bool) -> Iterator[Fault]:
        """What makes receipts worthless."""
        if self.key is not None and self.key.lower() == self.sandbox_key and not is_sandbox:
            yield Fault("signing_key", "is the sandbox's key, which is public")
