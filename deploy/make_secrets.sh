#!/usr/bin/env bash
# Write the secrets of compose.yaml to secrets/, each once: what is there stays. Three are the operator's to give, and are
# named at the end. The folder is its owner's alone; the files in it are readable, because containers run as other users.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets

random() { openssl rand -hex 32; }
put() { # NAME VALUE
  [ -e "secrets/$1" ] || printf '%s\n' "$2" >"secrets/$1"
  chmod 444 "secrets/$1"
}
get() { cat "secrets/$1"; }

put postgres_password "$(random)"
put database_url "postgresql://clearcanvas:$(get postgres_password)@postgres:5432/clearcanvas"
password=$(random)
put redis_conf "bind * -::*
requirepass $password
save \"\"
appendonly no
maxmemory 128mb
maxmemory-policy volatile-ttl"
put redis_url "redis://:$(sed -n 's/^requirepass //p' secrets/redis_conf)@redis:6379/0"
put runner_token "$(random)"
put mpp_secret_key "$(random)"
put receipts_signing_key "$(random)"
put grafana_password "$(random)"

for name in x402_rpc_url mpp_rpc_url x402_settlement_key; do
  [ -s "secrets/$name" ] || echo "Write secrets/$name yourself."
done
