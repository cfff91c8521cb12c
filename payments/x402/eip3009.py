"""A signed EIP-3009 `TransferWithAuthorization`: read strictly, its signature checked without a network call."""

import hashlib
import json
import re
from functools import lru_cache
from typing import Annotated, Any

from eth_utils.address import to_checksum_address
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from x402.mechanisms.evm import ExactEIP3009Authorization, hash_eip3009_authorization, verify_eoa_signature

from payments.x402.requirements import QuoteTerms

EOA_SIGNATURE_BYTES = 65
_JUDGED = 1024  # signatures whose signer is remembered
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
    """Who pays whom, how much, and between which times (unix seconds, both exclusive); lower-case hex."""

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
        """Whether the signature has the length of a plain key's; of any other length only the chain can judge it
        (EIP-1271, ERC-6492)."""
        return len(self.signature) == 2 + 2 * EOA_SIGNATURE_BYTES

    def signed_by_payer(self, terms: QuoteTerms) -> bool:
        """Whether a plain key's signature is the payer's, over this token on this chain."""
        network = terms.network
        return _is_payers(self, network.chain_id, terms.asset, network.token_name, network.token_version)

    def as_payload(self) -> dict[str, Any]:
        """The form on the wire, with checksummed addresses."""
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
        """What is signed, as the SDK knows it."""
        signed = self.authorization
        return ExactEIP3009Authorization(
            from_address=to_checksum_address(signed.payer),
            to=to_checksum_address(signed.to),
            value=str(signed.value),
            valid_after=str(signed.valid_after),
            valid_before=str(signed.valid_before),
            nonce=signed.nonce,
        )


@lru_cache(maxsize=_JUDGED)
def _is_payers(signed: SignedAuthorization, chain_id: int, asset: str, name: str, version: str) -> bool:
    """Recovering a signer costs a third of a millisecond, and one sale asks three times."""
    digest = hash_eip3009_authorization(signed.sdk_authorization(), chain_id, asset, name, version)
    try:
        return verify_eoa_signature(digest, bytes.fromhex(signed.signature[2:]), signed.authorization.payer)
    except ValueError:  # a recovery id that does not exist
        return False
