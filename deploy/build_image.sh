#!/usr/bin/env bash
# Build the bento and from it the image clearcanvas:EXTRA, then look at what the image holds.
#   deploy/build_image.sh cpu|openvino|gpu|rtx|tensorrt
# ENGINE is docker (the default) or podman, BUILD_FLAGS goes to its `build`, MODELS names the models that it carries.
set -euo pipefail
cd "$(dirname "$0")/.."
extra=$1
engine=${ENGINE:-docker}
image=${IMAGE:-clearcanvas:$extra}
command -v "$engine" >/dev/null || { echo "$engine is not installed. With Podman: ENGINE=podman."; exit 1; }

tag=$(.venv/bin/bentoml build --output tag | sed -n 's/^__tag__://p')
bento=$(.venv/bin/bentoml get "$tag" --output path)
arguments=(--build-arg "EXTRA=$extra")
case $extra in gpu | rtx | tensorrt) arguments+=(--build-arg NVIDIA_VISIBLE_DEVICES=all) ;; esac
[ -z "${MODELS:-}" ] || arguments+=(--build-arg "MODELS=$MODELS")
[ "$engine" != podman ] || arguments+=(--format docker) # the other format has no health check
# shellcheck disable=SC2086  # several flags in one variable
"$engine" build ${BUILD_FLAGS:-} "${arguments[@]}" --tag "$image" --file "$bento/env/docker/Dockerfile" "$bento"
"$engine" run --rm "$image" python -m deploy.smoke_test
