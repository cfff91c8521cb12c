"""What a bought picture has to be, and what has to have happened on the chain."""

from io import BytesIO

import numpy as np
from eth_utils.crypto import keccak
from PIL import Image

from sandbox.accounts import SELLER
from sandbox.chains import Chain

PRICE = 50_000  # base units: $0.05
TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()


def assert_cut_out(picture: bytes, *, size: tuple[int, int], format: str = "PNG") -> None:
    """A picture of the size of the photo: subject opaque, background gone, and no colour left where nothing is seen.

    (Not so in WebP, whose encoder fills the unseen with what compresses well.)
    """
    with Image.open(BytesIO(picture)) as image:
        assert image.format == format
        assert image.size == size
        assert image.mode == "RGBA"
        pixels = np.asarray(image)
    alpha = pixels[..., 3]
    assert (alpha > 250).mean() > 0.05, "no subject"
    assert (alpha == 0).mean() > 0.05, "no background"
    assert format == "WEBP" or not pixels[alpha == 0].any(), "colour under alpha 0"


def assert_paid_us(chain: Chain, transaction: str) -> None:
    """The transaction succeeded and moved the price, once, to the seller."""
    receipt = chain.rpc.call("eth_getTransactionReceipt", transaction)
    assert receipt is not None, "the chain does not know the receipt's transaction"
    assert receipt["status"] == "0x1"
    to_us = [
        int(log["data"], 16)
        for log in receipt["logs"]
        if log["address"].lower() == chain.token.lower()
        and log["topics"][0] == TRANSFER
        and int(log["topics"][2], 16) == int(SELLER.address, 16)
    ]
    assert to_us == [PRICE]
