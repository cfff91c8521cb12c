"""A signed EIP-3009 `TransferWithAuthorization`: strict parsing and offline signature check."""

import hashlib
import json
import re
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from x402.mechanisms.evm import ExactEIP3009Authorization, hash_eip3009_authorization, verify_eoa_signature

from payments.evm.abi import checksummed
from payments.x402.requirements import QuoteTerms

EOA_SIGNATURE_BYTES = 65
_CACHE_SIZE = 1024  # checked signatures
_DECIMAL = re.compile(r"[0-9]{1,78}")


def _decimal(value: object) -> int:
    if not (isinstance(value, str) and _DECIMAL.fullmatch(value)):
        raise ValueError("not a string of decimal digits")
    return int(value)


Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$", to_lower=True)]
Bytes32 = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{64}$", to_lower=True)]
HexBytes = Annotated[str, StringConstraints(pattern=r"^0x([0-9a-fA-F]{2})+$", to_lower=True)]
Uint256 = Annotated[int, BeforeValidator(_decimal), Field(lt=2**256)]


class Authorization(BaseModel):
    """Payer, recipient, amount and validity (unix seconds, both ends exclusive); hex in lower case."""

    model_config = ConfigDict(frozen=True)

    payer: Address = Field(alias="from")
    to: Address
    value: Uint256
    valid_after: Uint256 = Field(alias="validAfter")
    valid_before: Uint256 = Field(alias="validBefore")
    nonce: Bytes32


class SignedAuthorization(BaseModel):
    """The `payload` member of an x402 payment of scheme `exact` on an EVM chain; other members are ignored."""

    model_config = ConfigDict(frozen=True)

    authorization: Authorization
    signature: HexBytes = Field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 over all signed fields and the signature, the same in v1 and v2 transport."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()

    @property
    def is_key_sized(self) -> bool:
        """Whether the signature has the length of a secp256k1 signature; only the chain can check other lengths
        (EIP-1271, ERC-6492)."""
        return len(self.signature) == 2 + 2 * EOA_SIGNATURE_BYTES

    def signed_by_payer(self, terms: QuoteTerms) -> bool:
        """Whether a key-sized signature was made by the payer, for this token on this chain."""
        network = terms.network
        return _is_signed_by_payer(self, network.chain_id, terms.asset, network.token_name, network.token_version)

    def as_payload(self) -> dict[str, Any]:
        """The wire format, with checksummed addresses."""
        signed = self.sdk_authorization()
        return {
            "signature": self.signature,
            "authorization": {
                "from": signed.from_address,
                "to": signed.to,
                "value": signed.value,
                "validAfter": signed.valid_after,
                "validBefore": signed.valid_before,
                "nonce": signed.nonce,
            },
        }

    def sdk_authorization(self) -> ExactEIP3009Authorization:
        """The signed data as the SDK's type."""
        signed = self.authorization
        return ExactEIP3009Authorization(
            from_address=checksummed(signed.payer),
            to=checksummed(signed.to),
            value=str(signed.value),
            valid_after=str(signed.valid_after),
            valid_before=str(signed.valid_before),
            nonce=signed.nonce,
        )


@lru_cache(maxsize=_CACHE_SIZE)
def _is_signed_by_payer(signed: SignedAuthorization, chain_id: int, asset: str, name: str, version: str) -> bool:
    """Cached, because recovering a signer takes a third of a millisecond and one sale checks three times."""
    digest = hash_eip3009_authorization(signed.sdk_authorization(), chain_id, asset, name, version)
    try:
        return verify_eoa_signature(digest, bytes.fromhex(signed.signature[2:]), signed.authorization.payer)
    except ValueError:  # an invalid recovery id
        return False
