"""Credentials for a facilitator: each call bears them, they are good for that call only, and nobody else sees them."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.order import Order
from payments.x402.facilitator_auth import CdpKey, signer_of
from payments.x402.rail import X402Rail
from tests.contracts.rail_contract import UNITS
from tests.fakes.facilitator import Facilitator
from tests.fakes.keyed import Keyed
from tests.fakes.serving import serving
from tests.payments.x402.buyer import X402Buyer, bought
from tests.payments.x402.conftest import RailBuilder

KEY_ID = "organizations/marked/apiKeys/marked"


def ed25519_secret(key: ECC.EccKey) -> str:
    return base64.b64encode(key.seed + key.public_key().export_key(format="raw")).decode()


def pem_secret(key: ECC.EccKey) -> str:
    return str(key.export_key(format="PEM", use_pkcs8=False)).replace("\n", "\\n")


ED25519, P256 = ECC.generate(curve="ed25519"), ECC.generate(curve="P-256")
KEYS = [(ED25519, ed25519_secret(ED25519)), (P256, pem_secret(P256)), (P256, str(P256.export_key(format="PEM")))]


@contextmanager
def keyed(facilitator: Facilitator, key: ECC.EccKey) -> Iterator[tuple[Keyed, str]]:
    """A facilitator that wants signed calls, under a path of its own; the one who checks, and its URL."""
    guard = Keyed(facilitator.app(), key_id=KEY_ID, key=key.public_key())
    with serving(guard) as url:
        yield guard, url


@pytest.mark.parametrize(("key", "secret"), KEYS, ids=["Ed25519", "P-256", "P-256, PKCS 8"])
async def test_a_sale_through_a_facilitator_that_wants_signed_calls(
    new_rail: RailBuilder, facilitator: Facilitator, buyer: X402Buyer, order: Order, key: ECC.EccKey, secret: str
) -> None:
    """Each of the three calls has a token of its own: for its method, host and path, in its time, and once."""
    with keyed(facilitator, key) as (guard, url):
        rail = _rail(new_rail, url, facilitator_key_id=KEY_ID, facilitator_key_secret=secret)
        assert await rail.health() is None
        credential = await bought(rail, buyer, order)
        before = buyer.received()
        await rail.bind(credential).settle(await rail.bind(credential).verify(order))
        assert buyer.received() == before + UNITS
        assert await rail.health() is None
    assert guard.refused == []


async def test_a_sale_through_a_facilitator_that_wants_a_token(
    new_rail: RailBuilder, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    with serving(Keyed(facilitator.app(), token="a-token")) as url:
        rail = _rail(new_rail, url, facilitator_token="a-token")
        assert await rail.health() is None
        credential = await bought(rail, buyer, order)
        await rail.bind(credential).settle(await rail.bind(credential).verify(order))


@pytest.mark.parametrize("known", ["nothing", "another key", "another id", "another host"])
async def test_wrong_credentials_put_the_rail_out(
    new_rail: RailBuilder, facilitator: Facilitator, facilitator_url: str, buyer: X402Buyer, order: Order, known: str
) -> None:
    """That is the operator's fault, so no buyer's payment is called bad for it."""
    with keyed(facilitator, ED25519) as (guard, url):
        guard.host = "elsewhere.example" if known == "another host" else None
        own = {"facilitator_key_id": KEY_ID, "facilitator_key_secret": ed25519_secret(ED25519)}
        credentials = {
            "nothing": {},
            "another key": own | {"facilitator_key_secret": ed25519_secret(ECC.generate(curve="ed25519"))},
            "another id": own | {"facilitator_key_id": "another"},
            "another host": own,
        }[known]
        rail = _rail(new_rail, url, **credentials)
        assert await rail.health() == "The payment facilitator does not accept our credentials."
        credential = await bought(rail, buyer, order)
        with pytest.raises(RailUnavailable):
            await rail.bind(credential).verify(order)
        payment = await _rail(new_rail, facilitator_url).bind(credential).verify(order)
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.bind(credential).settle(payment)
    assert len(guard.refused) >= 3


def test_signs_as_the_standard_does() -> None:
    """The example of RFC 8037, appendix A.4: an Ed25519 signature is always the same."""
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    public = eddsa.import_private_key(seed).public_key().export_key(format="raw")
    algorithm, sign = signer_of(base64.b64encode(seed + public).decode())
    assert algorithm == "EdDSA"
    message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    assert base64.urlsafe_b64encode(sign(message)).decode().rstrip("=") == signature


def test_the_token_names_the_call_it_is_for() -> None:
    key = CdpKey(KEY_ID, ed25519_secret(ED25519), url="https://api.example.com/platform/v2/x402/")
    headers = key.get_auth_headers()
    calls = {}
    for verb in ("verify", "settle", "supported"):
        claims = getattr(headers, verb)["Authorization"].split(".")[1]
        calls[verb] = json.loads(base64.urlsafe_b64decode(claims + "=="))["uris"]
    assert calls == {
        "verify": ["POST api.example.com/platform/v2/x402/verify"],
        "settle": ["POST api.example.com/platform/v2/x402/settle"],
        "supported": ["GET api.example.com/platform/v2/x402/supported"],
    }


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "marked",
        base64.b64encode(b"marked").decode(),
        base64.b64encode(b"m" * 64).decode(),
        "-----BEGIN EC PRIVATE KEY-----\nmarked\n-----END EC PRIVATE KEY-----",
        str(ECC.generate(curve="P-384").export_key(format="PEM")),
    ],
)
def test_what_is_no_key_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="neither the Base64 of an Ed25519 key nor an EC P-256 key") as refusal:
        CdpKey(KEY_ID, secret, url="https://api.example.com")
    assert "marked" not in str(refusal.value)


def _rail(new_rail: RailBuilder, url: str, **credentials: str) -> X402Rail:
    return new_rail(facilitator_url=url, settlement_key=None, doubt_s=0.1, **credentials)
