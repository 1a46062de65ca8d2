#!/bin/sh
# Builds SoftHSM 2 from Debian's own source package with GOST switched on and
# prints the path of the module, which tests take from $GOSKLYUCH_SOFTHSM_GOST:
#
#   export GOSKLYUCH_SOFTHSM_GOST=$(scripts/build-softhsm-gost.sh)
#
# The build lives in a cache outside the repository and is made once. Debian's
# binary package has no GOST; this one offers GOST R 34.10 keys of 256 bits on
# the CryptoPro-A set and CKM_GOSTR3410 over a digest.
set -eu

cache=${GOSKLYUCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gosklyuch}/softhsm-gost
module=$cache/lib/libsofthsm2.so
if [ -f "$module" ]; then
	echo "$module"
	exit 0
fi

say() { echo "build-softhsm-gost: $*" >&2; }

command -v apt-get >/dev/null 2>&1 || { say 'not a Debian system: build SoftHSM 2.6.1 by hand with --enable-gost'; exit 1; }

sudo=''
[ "$(id -u)" = 0 ] || sudo=sudo
missing=''
for p in libssl-dev libengine-gost-openssl g++ make pkg-config; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing="$missing $p"
done
if [ -n "$missing" ]; then
	say "installing$missing"
	# shellcheck disable=SC2086 # a list of names
	$sudo apt-get install -y --no-install-recommends $missing >&2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# The source index goes to a directory of its own; the system's is not touched.
mkdir -p "$work/lists/partial" "$work/parts" "$work/archives/partial"
for f in /etc/apt/sources.list.d/*.sources; do
	[ -f "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" >"$work/parts/$(basename "$f")"
done
: >"$work/sources.list"
[ -f /etc/apt/sources.list ] && sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$work/sources.list"
apt() {
	apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/parts" \
		-o Dir::State::lists="$work/lists" -o APT::Sandbox::User=root "$@" >&2
}
say 'fetching the source package softhsm2'
# A third-party archive without sources must not stop the build: apt-get source
# fails by itself when Debian's own index is missing.
apt update || say 'apt-get update reported errors'
(cd "$work" && apt source --download-only --tar-only softhsm2)
mkdir "$work/src"
tar -xf "$work"/softhsm2_*.orig.tar.* -C "$work/src" --strip-components=1

say 'configuring and compiling (about two minutes)'
(
	cd "$work/src"
	# Debian's archive is a snapshot of the repository where it has no configure.
	[ -x configure ] || sh autogen.sh
	./configure --enable-gost --with-crypto-backend=openssl --disable-non-paged-memory --without-p11-kit
	make -C src/lib -j "${JOBS:-2}"
	make -C src/bin
) >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; say 'the build failed'; exit 1; }

# The finished module appears at its place at once, so that a build that was
# interrupted is not taken for a whole one.
mkdir -p "$cache/lib"
cp "$work/src/src/bin/util/.libs/softhsm2-util" "$cache/softhsm2-util" 2>/dev/null ||
	cp "$work/src/src/bin/util/softhsm2-util" "$cache/softhsm2-util"
cp -L "$work/src/src/lib/.libs/libsofthsm2.so" "$module.new"
mv "$module.new" "$module"
echo "$module"
