#!/usr/bin/env bash
# Buy a cut-out with curl over MPP (pathUSD on Tempo).
# mppx signs: npm install --legacy-peer-deps mppx@0.11.0 viem@2.55.19 (here or in ../node)
#
#   BUYER_KEY=0x... ./buy_mpp.sh https://HOST/v1/remove-background photo.jpg cutout.png
#
# TEMPO_RPC_URL names a node to ask for gas; without it the public one of the quoted chain is asked.
set -euo pipefail
url=$1 image=$2 out=$3
PATH=$PATH:node_modules/.bin:$(dirname "$0")/../node/node_modules/.bin
quote=$(mktemp) receipt=$(mktemp)
trap 'rm -f "$quote" "$receipt"' EXIT
extension=${image##*.}
type=image/${extension/jpg/jpeg}

# 1. Ask with the picture itself, for the quote is bound to it: the answer is 402 and carries a Payment challenge.
curl -sS -o /dev/null -D "$quote" -H "Content-Type: $type" --data-binary @"$image" "$url"
challenge=$(sed -n 's/^www-authenticate: *//Ip' "$quote" | tr -d '\r')

# 2. Sign. Nothing moves yet; the signature is good for less than a minute.
export MPPX_PRIVATE_KEY=$BUYER_KEY
[ -z "${TEMPO_RPC_URL:-}" ] || export MPPX_RPC_URL=$TEMPO_RPC_URL
payment=$(mppx sign --challenge "$challenge")

# 3. Send the same picture with the payment. Should the connection break: run this line again, it is not charged twice.
curl -sS --fail-with-body -o "$out" -D "$receipt" -H "Content-Type: $type" -H "Authorization: $payment" \
  --data-binary @"$image" "$url"
grep -i '^payment-receipt:' "$receipt"
