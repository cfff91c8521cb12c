"""The settings of signed receipts; importing this loads no cryptography."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from settings_types import CommaSeparated, Ed25519PublicKey, Ed25519Seed, Fault, Section, reveal


class ReceiptConfig(Section):
    """Receipts that the service signs."""

    sandbox_key: ClassVar[str] = "636c65617263616e7661732073616e64626f782072656365697074206b657921"
    """Public; refused outside the sandbox."""

    signing_key: Ed25519Seed | None = None
    """Ed25519 key that signs receipts, the same on all machines: `openssl rand -hex 32`. Without it, receipts are not
    signed."""
    former_public_keys: Annotated[tuple[Ed25519PublicKey, ...], CommaSeparated] = ()
    """Public keys of earlier signing keys, to be published as well: the `x` of each in `/.well-known/jwks.json`."""

    @property
    def key(self) -> str | None:
        """The signing key, in hex."""
        return reveal(self.signing_key)

    def faults(self, *, is_sandbox: bool) -> Iterator[Fault]:
        """Faults that make receipts worthless."""
        if self.key is not None and self.key.lower() == self.sandbox_key and not is_sandbox:
            yield Fault("signing_key", "is the sandbox's key, which is public")
