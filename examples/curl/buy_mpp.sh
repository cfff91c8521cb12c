#!/usr/bin/env bash
# Buy a cut-out with curl over MPP (pathUSD on Tempo).
# To sign: npm install --legacy-peer-deps mppx@0.11.0 viem@2.55.19 (here or in ../node)
#
#   BUYER_KEY=0x... ./buy_mpp.sh https://HOST/v1/remove-background photo.jpg cutout.png
#
# TEMPO_RPC_URL names a node to ask for gas; without it the public one of the quoted chain is asked.
set -euo pipefail
url=$1 image=$2 out=$3
extension=${image##*.} type=image/${extension/jpg/jpeg}
answer=$(mktemp) headers=$(mktemp)
name=$({ printf %s "$url"; cat "$image"; } | openssl dgst -sha256 -r | cut -c1-64)
trap 'rm -f "$answer" "$headers"' EXIT
PATH=$PATH:node_modules/.bin:$(dirname "$0")/../node/node_modules/.bin

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

# 1. Ask with the picture itself, for the quote is bound to it: the answer is 402, with a Payment challenge.
[ "$(post)" = 402 ] || stop
challenge=$(sed -n 's/^www-authenticate: *//Ip' "$headers" | head -n 1 | tr -d '\r') # one for each coin; pathUSD first

# 2. Sign. Nothing moves yet; the signature is good for 25 seconds.
export MPPX_PRIVATE_KEY=$BUYER_KEY
[ -z "${TEMPO_RPC_URL:-}" ] || export MPPX_RPC_URL=$TEMPO_RPC_URL
payment=$(mppx sign --challenge "$challenge")

# 3. Send the same picture with the payment, and again when the answer gets lost: it is not charged twice. Nor is what a
#    second run of this program signs, because it gives the purchase the same name.
pay "Authorization: $payment" || stop
cp "$answer" "$out"
grep -i '^payment-receipt:' "$headers"
