"""The extension `bazaar` of a quote: what catalogues and agents read."""

from typing import Any

from x402.http.utils import decode_payment_required_header
from x402.schemas import PaymentRequired

from api.json_call import JSON_CALL
from payments.order import Order
from payments.x402.bazaar import NAME, declaration
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import write_challenge
from tests.fakes.seller import PRICE


def quoted(terms: QuoteTerms, order: Order) -> dict[str, Any]:
    [(_, header)] = write_challenge(terms, order, None).headers
    quote = decode_payment_required_header(header)
    assert isinstance(quote, PaymentRequired)
    return dict(quote.extensions or {})


def test_the_quote_says_how_to_call_and_what_comes_back(terms: QuoteTerms) -> None:
    """Input and output with the schema of each, which has every member of the example."""
    order = Order("https://cut.example/v1/remove-background", "POST", b"", (), PRICE, json_call=JSON_CALL)
    extension = quoted(terms, order)[NAME]
    assert extension == declaration(JSON_CALL, "POST")
    call, answer = (extension["info"][each] for each in ("input", "output"))
    schemas = extension["schema"]["properties"]
    assert (call["method"], call["bodyType"], call["body"].keys()) == ("POST", "json", {"image_file_b64"})
    assert call.keys() <= schemas["input"]["properties"].keys()
    assert call["body"].keys() <= schemas["input"]["properties"]["body"]["properties"].keys()
    assert answer["example"]["data"].keys() == {"result_b64", "media_type"}
    assert answer.keys() <= schemas["output"]["properties"].keys()


def test_what_cannot_be_bought_with_json_has_none(terms: QuoteTerms) -> None:
    assert NAME not in quoted(terms, Order("https://cut.example/other", "POST", b"", (), PRICE))
