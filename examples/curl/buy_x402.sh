#!/usr/bin/env bash
# Buy a cut-out with curl over x402 (USDC on Base). To sign: pip install "x402[evm]==2.25.0"
#
#   BUYER_KEY=0x... ./buy_x402.sh https://HOST/v1/remove-background photo.jpg cutout.png
set -euo pipefail
url=$1 image=$2 out=$3
extension=${image##*.} type=image/${extension/jpg/jpeg}
answer=$(mktemp) headers=$(mktemp)
trap 'rm -f "$answer" "$headers"' EXIT

post() { # sends the picture, with further curl options; prints the status
  curl -sS -o "$answer" -D "$headers" -w '%{http_code}' -H "Content-Type: $type" --data-binary @"$image" "$@" "$url"
}
stop() {
  cat "$answer" >&2
  exit 1
}

# 1. Ask: the answer is 402, with the price in the PAYMENT-REQUIRED header.
[ "$(post)" = 402 ] || stop
price=$(sed -n 's/^payment-required: *//Ip' "$headers" | tr -d '\r')

# 2. Sign. Nothing moves yet.
payment=$(python3 "$(dirname "$0")/sign_x402.py" "$price")

# 3. Send the same picture with the payment. Should the connection break, send it again: it is not charged twice.
[ "$(post -H "PAYMENT-SIGNATURE: $payment")" = 200 ] || stop
cp "$answer" "$out"
grep -i '^payment-response:' "$headers"
