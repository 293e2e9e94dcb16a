#!/usr/bin/env bash
# Builds the image where there is no Docker daemon and no registry: with buildah, on a base made of Debian's packages.
# Usage, as root: tests/container/build.sh [IMAGE [options of buildah bud]]      needs: buildah, debootstrap, git
# What pip is configured with here (certificates, folder of wheels) is handed to the pip of the image while it builds.
set -euo pipefail
image=${1:-localhost/cerebbids}
base=localhost/bookworm-minbase
root=$(cd "$(dirname "$0")/../.." && pwd)
export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}

make_base() {
    local folder container
    folder=$(mktemp -d)
    debootstrap --variant=minbase bookworm "$folder/root" >&2
    rm -rf "$folder"/root/var/cache/apt/archives/*.deb "$folder"/root/var/lib/apt/lists/*
    tar --numeric-owner -C "$folder/root" -cf "$folder/base.tar" .
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$folder/base.tar" / > /dev/null
    buildah commit --quiet --rm "$container" "$base" > /dev/null
    rm -rf "$folder"
}

configured() { { pip config list 2> /dev/null || true; } | sed -n "s/^.*\.$1='\(.*\)'$/\1/p" | head -n 1; }

site=()
certificates=$(configured cert)
wheels=$(configured find-links)
if [ -f "$certificates" ]; then
    site+=(--volume "$certificates:/site/certificates.crt:ro" --build-arg PIP_CERT=/site/certificates.crt)
fi
if [ -d "$wheels" ]; then
    site+=(--volume "$wheels:/site/wheels:ro" --build-arg PIP_FIND_LINKS=/site/wheels)
fi

buildah inspect --type image "$base" > /dev/null 2>&1 || make_base
buildah bud --isolation chroot --network host --build-arg BASE="$base" "${site[@]}" "${@:2}" \
    --build-arg REVISION="$(git -C "$root" rev-parse HEAD)" --tag "$image" "$root"
mounted=$(buildah from "$image")
echo "$image: $(du -s --block-size=MB "$(buildah mount "$mounted")" | cut -f 1)"
buildah rm "$mounted" > /dev/null
