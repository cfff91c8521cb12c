import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from api.form import BODY_TYPES
from api.json_answer import JSON
from api.openapi import openapi
from api.options import OPTIONS
from api.pricing import PATH, REMOVE_BG_PATH
from api.remove_bg.fields import NAMES
from tests.api.storefront import OFFER, X402, Storefront, picture
from version import VERSION


def operation() -> dict[str, Any]:
    """The paid operation."""
    found: dict[str, Any] = openapi(OFFER)["paths"][PATH]["post"]
    return found


def test_the_price_stands_in_the_words_of_both_worlds() -> None:
    info = operation()["x-payment-info"]
    assert info["price"] == {"mode": "fixed", "currency": "USD", "amount": "0.05"}
    assert info["protocols"] == [
        {"x402": {}},
        {"mpp": {"method": "tempo", "intent": "charge", "currency": "0xpath"}},
        {"mpp": {"method": "tempo", "intent": "charge", "currency": "0xalpha"}},
    ]
    assert [(each["amount"], each["currency"], each["intent"], each["method"]) for each in info["offers"]] == [
        ("50000", "0xpath", "charge", "tempo"),
        ("50000", "0xalpha", "charge", "tempo"),
    ]


def test_a_rail_that_is_not_sold_on_is_not_named() -> None:
    document = openapi(replace(OFFER, rails=(X402,)))
    info = document["paths"][PATH]["post"]["x-payment-info"]
    assert (info["offers"], info["protocols"]) == ([], [{"x402": {}}])


def test_every_status_of_the_contract_is_described() -> None:
    refusals = {
        "400",
        "402",
        "403",
        "405",
        "406",
        "408",
        "409",
        "413",
        "414",
        "415",
        "422",
        "429",
        "431",
        "500",
        "503",
        "505",
    }
    assert operation()["responses"].keys() == {"200"} | refusals
    assert "payment_outcome_unknown" in operation()["responses"]["503"]["description"]


def test_the_headers_that_pay_are_described_for_each_rail() -> None:
    named = [each["name"] for each in operation()["parameters"] if each["in"] == "header"]
    assert named == ["Idempotency-Key", "PAYMENT-SIGNATURE", "X-PAYMENT", "Authorization"]


def test_every_operation_says_who_may_call_it() -> None:
    """Everybody: a payment is no credential of an account."""
    signed = replace(OFFER, key_set={"keys": []})
    paths = openapi(signed)["paths"]
    free = {"/v1/models", "/v1/receipts/{id}", "/.well-known/jwks.json", "/v1.0/account"}
    assert {PATH, REMOVE_BG_PATH, *free} == paths.keys()
    assert all(each["security"] == [] for methods in paths.values() for each in methods.values())


def test_every_reference_leads_somewhere() -> None:
    document = openapi(OFFER)
    schemas = document["components"]["schemas"]
    named = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert named == {"Problem", "Quote", "Models", "Result", "Account"}
    assert named <= schemas.keys()


def test_the_types_are_the_ones_that_are_taken_and_given() -> None:
    assert tuple(operation()["requestBody"]["content"]) == BODY_TYPES
    assert list(operation()["responses"]["200"]["content"]) == ["image/png", "image/webp", "image/jpeg", JSON]


def test_a_form_and_json_may_hold_every_option() -> None:
    bodies = operation()["requestBody"]["content"]
    named = {"image_file_b64", "image_url"}
    for media_type, pictures in (("multipart/form-data", {"image_file", *named}), (JSON, named)):
        assert set(bodies[media_type]["schema"]["properties"]) == {*pictures, *OPTIONS, "model"}
        assert {each["required"][0] for each in bodies[media_type]["schema"]["oneOf"]} == pictures


def test_both_paid_operations_say_the_same_of_the_payment() -> None:
    other = openapi(OFFER)["paths"][REMOVE_BG_PATH]["post"]
    assert other["x-payment-info"] == operation()["x-payment-info"]
    assert other["parameters"] == [each for each in operation()["parameters"] if each["in"] == "header"]
    assert other["responses"].keys() == operation()["responses"].keys()
    for media_type in ("multipart/form-data", "application/x-www-form-urlencoded", JSON):
        assert set(other["requestBody"]["content"][media_type]["schema"]["properties"]) > NAMES


async def test_every_option_is_described_with_an_example_that_is_taken(storefront: Storefront) -> None:
    described = {each["name"]: each for each in operation()["parameters"] if each["in"] == "query"}
    assert list(described) == [*OPTIONS, "model"]
    for name in OPTIONS:
        beside = {"crop_margin": "&crop=true", "quality": "&format=webp"}.get(name, "")
        answer = await storefront.post(picture(), query=f"?{name}={quote(_text(described[name]['example']))}{beside}")
        assert answer.status_code == 402, answer.text


async def test_an_answer_has_the_members_that_are_promised(storefront: Storefront) -> None:
    schema = openapi(OFFER)["components"]["schemas"]["Problem"]
    body = (await storefront.post(picture("PNG"))).json()
    assert set(schema["required"]) <= set(body) <= set(schema["properties"])


def test_it_has_the_version_of_the_service() -> None:
    assert openapi(OFFER)["info"]["version"] == VERSION


def _text(example: object) -> str:
    """As it stands in a query."""
    return example if isinstance(example, str) else json.dumps(example)
