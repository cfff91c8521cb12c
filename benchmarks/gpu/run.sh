#!/usr/bin/env bash
# One button on a machine with a GPU: measure what there is, check every output, go on where something fails.
#   benchmarks/gpu/run.sh [FOLDER]          about ten minutes on a GPU; FOLDER/report.json
#   DEVICE=cpu benchmarks/gpu/run.sh        dry run with a tiny network in place of the large one
# PYTHON, DEVICE, BATCHES, SECONDS_EACH and PHASES may be set. Packages that the machine lacks can be brought along in
# results/gpu-packages: benchmarks/gpu/pack.sh fills it.
set -uo pipefail
cd "$(dirname "$0")/../.."
OUT=${1:-${OUT:-results/gpu}}
PYTHON=${PYTHON:-python3}
DEVICE=${DEVICE:-cuda}
BATCHES=${BATCHES:-1,2,4,8,16,32}
SECONDS_EACH=${SECONDS_EACH:-0.5}
export PYTHONPATH="$PWD:$PWD/results/gpu-packages${PYTHONPATH:+:$PYTHONPATH}"
[ "$DEVICE" = cuda ] || export OMP_NUM_THREADS=1 # threads that wait for each other on a busy machine take seconds
mkdir -p "$OUT"

phase() { # NAME LIMIT_S
  local name=$1 limit=$2 began=$SECONDS
  case " ${PHASES:-prepare machine torch cuda tensorrt cpu} " in *" $name "*) ;; *) return ;; esac
  timeout --kill-after=5 "$limit" "$PYTHON" -m benchmarks.gpu.phases "$name" --out "$OUT" --device "$DEVICE" \
    --batches "$BATCHES" --seconds "$SECONDS_EACH" >"$OUT/$name.log" 2>&1
  local status=$?
  echo "$name: status $status after $((SECONDS - began)) s"
  [ $status -eq 0 ] || tail -3 "$OUT/$name.log"
}

phase prepare 150
phase machine 30
phase torch 110
phase cuda 80
phase tensorrt 150
phase cpu 40
"$PYTHON" -m benchmarks.gpu.report "$OUT"
