#!/usr/bin/env bash
# Put packages that a GPU machine without a package index lacks into results/gpu-packages, for its Python:
#   benchmarks/gpu/pack.sh 3.12 pydantic structlog onnx onnxconverter-common prometheus-client
set -euo pipefail
cd "$(dirname "$0")/../.."
version=${1:?which Python, as 3.12}
shift
rm -rf results/gpu-packages
python3 -m pip install --quiet --target results/gpu-packages --python-version "$version" --only-binary=:all: "$@"
find results/gpu-packages -name '__pycache__' -prune -exec rm -rf {} +
du -sh results/gpu-packages
