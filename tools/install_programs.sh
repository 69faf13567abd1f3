#!/usr/bin/env bash
# Installs from Debian or Ubuntu what the tests run and what neither pip nor npm has: the shells that people use, AWS's
# command line 2 and its SDK for Go. As root or with sudo. What is there already stays as it is, so that nothing is
# fetched when nothing is missing.
set -euo pipefail
# Packages, and what each brings.
declare -A brings=(
  [bash]=bash [dash]=dash [debootstrap]=debootstrap [fish]=fish [git]=git [zsh]=zsh [golang-go]=go [awscli]=/usr/bin/aws
  [golang-github-aws-aws-sdk-go-v2-dev]=/usr/share/gocode/src/github.com/aws/aws-sdk-go-v2
)

missing() {
  for package in "${!brings[@]}"; do
    command -v "${brings[$package]}" >/dev/null || [ -d "${brings[$package]}" ] || echo "$package"
  done
}

mapfile -t wanted < <(missing)
[ ${#wanted[@]} -gt 0 ] || exit 0
echo "Installing ${wanted[*]} …" >&2
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
# An old list of packages may do when a new one cannot be fetched; what counts is what is there in the end.
"${as_root[@]}" apt-get update --quiet=2 || true
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${wanted[@]}" || true

mapfile -t wanted < <(missing)
if [ ${#wanted[@]} -gt 0 ]; then
  echo "error: ${wanted[*]} could not be installed. Fix: install them by hand; on another system than Debian or Ubuntu," \
    "by its own means" >&2
  exit 1
fi
