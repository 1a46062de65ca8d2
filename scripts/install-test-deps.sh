#!/bin/sh
# Installs the independent implementations that the tests compare with, from
# Debian's packages: OpenSSL with gost-engine, GnuTLS, Bouncy Castle and a JDK,
# SoftHSM, OpenSC's pkcs11-tool and p11-kit, what builds SoftHSM with GOST
# (build-softhsm-gost.sh), Chromium for the page of the verification service,
# readers of PDF, XML and QR codes, PostgreSQL, and curl with jq as clients of the services.
# Does nothing where they are there; asks for sudo only where it must.
set -eu

packages='openssl libengine-gost-openssl libssl-dev gnutls-bin default-jdk-headless libbcprov-java libbcpkix-java libbcutil-java faketime gcc libc6-dev softhsm2 opensc p11-kit g++ make pkg-config chromium poppler-utils libxml2-utils zbar-tools postgresql curl jq'

command -v dpkg-query >/dev/null 2>&1 || {
	echo 'install-test-deps: not a Debian system; please install by hand:' $packages
	[ "${CI:-}" != true ] || exit 1
	exit 0
}

missing=''
for p in $packages; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true) in
	installed) ;;
	*)
		# Any JDK will do for the Bouncy Castle helper.
		[ "$p" = default-jdk-headless ] && command -v javac >/dev/null 2>&1 && continue
		missing="$missing $p"
		;;
	esac
done
[ -n "$missing" ] || exit 0

sudo=''
[ "$(id -u)" = 0 ] || sudo=sudo
echo "install-test-deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
