#!/usr/bin/env bash
# Buy a cut-out with curl over x402 (USDC on Base). To sign: pip install "x402[evm]==2.25.0"
#
#   BUYER_KEY=0x... ./buy_x402.sh https://HOST/v1/remove-background photo.jpg cutout.png
set -euo pipefail
url=$1 image=$2 out=$3
extension=${image##*.} type=image/${extension/jpg/jpeg}
answer=$(mktemp) headers=$(mktemp)
name=$({ printf %s "$url"; cat "$image"; } | openssl dgst -sha256 -r | cut -c1-64)
trap 'rm -f "$answer" "$headers"' EXIT
PATH=$(dirname "$0")/../../.venv/bin:$PATH # in a clone, `make serve` has installed the signer there

post() { # sends the picture, with further curl options; prints the status, 000 where no answer came
  curl -sS -m 120 -o "$answer" -D "$headers" -w '%{http_code}' -H "Content-Type: $type" --data-binary @"$image" "$@" "$url" || true
}
pay() { # sends the picture with a payment; the very same again, for two minutes, while no answer stands
  local status wait give_up_at=$((SECONDS + 120))
  while true; do
    status=$(post -H "Idempotency-Key: $name" -H "$1")
    wait=$(sed -n 's/^retry-after: *//Ip' "$headers" | tr -d '\r')
    [ "$status" = 000 ] && wait=2
    [ "$status" = 402 ] || [ -z "$wait" ] || [ $SECONDS -gt $give_up_at ] && break
    sleep "$wait"
  done
  [ "$status" = 200 ]
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

# 3. Send the same picture with the payment, and again when the answer gets lost: it is not charged twice. Nor is what a
#    second run of this program signs, because it gives the purchase the same name.
pay "PAYMENT-SIGNATURE: $payment" || stop
cp "$answer" "$out"
grep -i '^payment-response:' "$headers"
