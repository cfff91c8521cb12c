#!/usr/bin/env bash
# Buy a cut-out with curl over x402 (USDC on Base). sign_x402.py needs: pip install "x402[evm]==2.25.0"
#
#   BUYER_KEY=0x... ./buy_x402.sh https://HOST/v1/remove-background photo.jpg cutout.png
set -euo pipefail
url=$1 image=$2 out=$3
here=$(dirname "$0")
quote=$(mktemp) receipt=$(mktemp)
trap 'rm -f "$quote" "$receipt"' EXIT
extension=${image##*.}
type=image/${extension/jpg/jpeg}

# 1. Ask: the answer is 402 and carries the price in the PAYMENT-REQUIRED header.
curl -sS -o /dev/null -D "$quote" -H "Content-Type: $type" --data-binary @"$image" "$url"
price=$(sed -n 's/^payment-required: *//Ip' "$quote" | tr -d '\r')

# 2. Sign. Nothing moves yet.
payment=$(python3 "$here/sign_x402.py" "$price")

# 3. Send the same picture with the payment. Should the connection break: run this line again, it is not charged twice.
curl -sS --fail-with-body -o "$out" -D "$receipt" -H "Content-Type: $type" -H "PAYMENT-SIGNATURE: $payment" \
  --data-binary @"$image" "$url"
grep -i '^payment-response:' "$receipt"
