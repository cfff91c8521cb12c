"""Sign an x402 quote: the value of PAYMENT-REQUIRED as argument, the value for PAYMENT-SIGNATURE printed.

BUYER_KEY=0x... python sign_x402.py "$price"
"""

import os
import sys

from eth_account import Account
from x402 import x402ClientSync
from x402.client import max_amount
from x402.http.utils import decode_payment_required_header, encode_payment_signature_header
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client

MOST_I_PAY = 100_000  # USDC has 6 decimals: $0.10

signer = EthAccountSigner(Account.from_key(os.environ["BUYER_KEY"]))
wallet = register_exact_evm_client(x402ClientSync(), signer, policies=[max_amount(MOST_I_PAY)])
quote = decode_payment_required_header(sys.argv[1])
print(encode_payment_signature_header(wallet.create_payment_payload(quote)))
