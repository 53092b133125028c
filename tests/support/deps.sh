#!/bin/sh
# deps.sh PACKAGE...: installs the Debian packages that are missing, where it may; says which they are where it may not.
set -eu

missing=
for package in "$@"; do
    if ! dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^.i'; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get > /dev/null; then
    echo "deps: this is not Debian; the same libraries under their names here are needed:$missing" >&2
    exit 1
elif [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
    root=sudo
else
    echo "deps: missing packages, and neither root nor sudo here to install them: apt-get install$missing" >&2
    exit 1
fi

echo "deps: installing$missing"
case $missing in
*:arm64*) dpkg --print-foreign-architectures | grep -qx arm64 || $root dpkg --add-architecture arm64 ;;
esac
$root apt-get update -qq
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
