#!/usr/bin/env bash
# Reviews a change against a base, for each profile. `make review BASE=main` runs this. It runs the code of both, with
# your rights on files: a stranger's branch belongs in CI or a container.
#
# In CI the code of the change runs on a machine of its own: PART=change writes what it makes, and nothing else, to
# cdk.out/review/ of the change. On another machine PART=judge reviews that, which it finds in the folder TEMPLATES,
# and runs no code of the change.
#
# Environment variables: BASE is the branch, tag or commit to compare with. CHANGE is the folder with the change; without
# it, it is this working tree. CI runs the base's own copy of this script on the change's folder, so that nothing of the
# change decides. REVIEW_OPTIONS has further options of `securetrail review`, such as --allow-new-decisions.
#
# Writes to cdk.out/review/ of the change: <profile>.md for people, <profile>.sarif for code scanning, and the cloud
# assemblies of both sides. Exit codes are those of `securetrail review`; the gravest of the profiles counts.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${BASE:?names the branch, tag or commit to compare with, such as main}"
read -ra options <<<"${REVIEW_OPTIONS:-}"
root=$PWD
change=${CHANGE:-$root}
out=$change/cdk.out/review
# For this user alone, because programs load code from their temporary folder: checkov's parser keeps a pickle there.
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
part=${PART:-both}
case $part in
both | change) ;;
judge) : "${TEMPLATES:?names the folder with what PART=change made}" ;;
*)
  echo "review: PART=$part is none of both, change, judge" >&2
  exit 2
  ;;
esac
if [ -L "$change/cdk.out" ] || [ -L "$out" ]; then
  echo "review: cdk.out/review is a link: what is written there would be written elsewhere" >&2
  exit 3
fi

review() { # profile, options
  # The compliance profile is too large to go inline.
  local profile=$1 bootstrapped=false
  [ "$profile" = lab ] || bootstrapped=true
  shift
  python -m securetrail review --base="$BASE" --repository="$change" --lock=requirements-dev.txt \
    --installed-from="$root/requirements-dev.txt" --context="profile=$profile" --context="bootstrapped=$bootstrapped" \
    --assemblies="$out/$profile" "$@"
}

compare() { # profile, options
  local profile=$1
  shift
  review "$profile" --no-synth --title "Profile: $profile" --base-checkov "$out/$profile/base.checkov.json" \
    --checkov "$out/$profile/head.checkov.json" ${options[@]+"${options[@]}"} "$@"
}

worst() { # exit code
  [ "$1" -le "$gravest" ] || gravest=$1
}

rm -rf "$out"
mkdir -p "$out"
# What programs take for settings, and what leads elsewhere, is no template: it is gone before anything reads it.
if [ "$part" = judge ] && [ -d "$TEMPLATES" ]; then
  cp -RP "$TEMPLATES/." "$private/templates"
  find "$private/templates" -mindepth 1 \( -name '.*' -o ! -type f ! -type d \) -prune -exec rm -rf -- {} +
fi
gravest=0
profiles=()
for profile in lab compliance; do
  echo "review: $profile" >&2
  code=0
  case $part in
  judge)
    mkdir -p "$out/$profile"
    for made in head between; do
      handed_over=$private/templates/$profile/$made
      [ ! -d "$handed_over" ] || cp -R "$handed_over" "$out/$profile/$made"
    done
    review "$profile" --synthesize-only=base || code=$?
    ;;
  *) review "$profile" --synthesize-only="$part" || code=$? ;;
  esac
  if [ "$part" = change ]; then
    worst "$code"
    continue
  fi
  if [ "$code" -eq 0 ]; then
    for side in base head; do
      # One word: of a folder that is a word of its own, checkov reads .checkov.yaml, which may name code to run.
      env -i "PATH=$PATH" "HOME=$private" "TMPDIR=$private" \
        "$root/.venv/checkov/bin/checkov" --directory="$out/$profile/$side" --framework cloudformation --skip-download \
        --output json --soft-fail >"$out/$profile/$side.checkov.json" || code=3
    done
    [ "$code" -eq 0 ] || echo "review: $profile: checkov failed, so that what is lost is not known" >&2
  fi
  worst "$code"
  [ "$code" -ne 0 ] || profiles+=("$profile")
done

# A decision about one profile accepts nothing in the other one, and is no unused one for that.
others=()
if grep -q '^ *\[\[' "$change/review-decisions.toml" 2>/dev/null; then
  for profile in ${profiles[@]+"${profiles[@]}"}; do
    # Whatever it says is said below.
    compare "$profile" --format json >"$private/$profile.json" 2>/dev/null || [ $? -eq 1 ] || continue
    others+=("--other-review=$private/$profile.json")
  done
fi
for profile in ${profiles[@]+"${profiles[@]}"}; do
  code=0
  compare "$profile" --format markdown --also "sarif=$out/$profile.sarif" ${others[@]+"${others[@]}"} \
    >"$out/$profile.md" || code=$?
  cat "$out/$profile.md"
  worst "$code"
done
exit "$gravest"
