#!/usr/bin/env bash
# Build the image for CPUs and run it on a machine without Docker and without a registry of images: `make image-replay`.
#
# It is the Dockerfile, word for word, built by Podman (Buildah) and run by runc: real layers, a real container. Only
# the base is another: not the digest that the Dockerfile names but the same Debian release, minimal, made here by
# debootstrap, with this machine's certificates and package settings. Needs root and Debian's packages
# debootstrap, podman, buildah and runc.
set -euo pipefail
cd "$(dirname "$0")/.."
release=bookworm base=localhost/clearcanvas-replay-base image=localhost/clearcanvas:cpu
for program in debootstrap podman buildah runc; do
  command -v $program >/dev/null || { echo "$program is missing: apt install debootstrap podman buildah runc"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

# Where a kernel or a sandbox is older or stricter than Podman expects: the host's network, and no limits above our own.
export CONTAINERS_CONF=$work/containers.conf
cat >"$CONTAINERS_CONF" <<CONF
[containers]
netns = "host"
default_ulimits = ["nofile=$(ulimit -n):$(ulimit -n)", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
export BUILDAH_ISOLATION=chroot

if ! podman image exists $base; then
  debootstrap --variant=minbase --include=ca-certificates $release "$work/root" >"$work/log" || { tail "$work/log"; exit 1; }
  cp /usr/local/share/ca-certificates/*.crt "$work/root/usr/local/share/ca-certificates/" 2>/dev/null || true
  chroot "$work/root" update-ca-certificates >/dev/null
  apt-config dump | grep -E '^Acquire::(Check|http|https)' >"$work/root/etc/apt/apt.conf.d/99host" || true
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then # security fixes, as in Debian's own image
    cp /etc/apt/sources.list.d/debian.sources "$work/root/etc/apt/sources.list.d/"
    rm "$work/root/etc/apt/sources.list"
  fi
  printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$work/root/etc/pip.conf"
  install -D /dev/stdin "$work/root/etc/uv/uv.toml" <<<'native-tls = true'
  tar -C "$work/root" -c . | podman import --quiet - $base >/dev/null
fi

ENGINE=podman IMAGE=$image BUILD_FLAGS="--network host --build-arg BASE=$base" deploy/build_image.sh cpu
CLEARCANVAS_IMAGE=$image .venv/bin/python -m pytest tests/image -v
