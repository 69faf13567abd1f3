#!/usr/bin/env bash
# Reviews the working tree against a base branch, without any AWS credentials. `make review BASE=main` runs this. It runs
# the code of both, with your rights on files: a stranger's branch belongs in CI or a container.
# The environment variable BASE is the branch, tag or commit to compare with.
#
# For each profile: synthesizes both, shows what a deployment would change, and writes a summary to cdk.out/review/:
# <profile>.md for people, <profile>.sarif for code scanning. Exit code 1: something to object to.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${BASE:?names the branch, tag or commit to compare with, such as main}"
if ! commit=$(git rev-parse --verify --quiet --end-of-options "$BASE^{commit}"); then
  printf 'error: BASE=%q is no commit here. Allowed: a branch, a tag or a commit that git knows. %s\n' "$BASE" \
    'Fix: git fetch origin, then make review BASE=origin/main' >&2
  exit 2
fi
root=$PWD
out=$root/cdk.out/review
cdk=$root/node_modules/.bin/cdk
checkov=$root/.venv/checkov/bin/checkov
# For this user alone, because programs load code from their temporary folder: checkov's parser keeps a pickle there.
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT

# A synth runs the code of either side. So it gets nothing of the environment but this: no credentials, tokens, proxies or
# agents, and no home folder by which programs find a user's. That is no sandbox: the code may read the user's files.
clean=(
  env --ignore-environment
  "PATH=$PATH" "HOME=$private" "TMPDIR=$private"
  AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
  NODE_DISABLE_COMPILE_CACHE=1 CDK_DISABLE_CLI_TELEMETRY=1 CDK_DISABLE_VERSION_CHECK=1
  JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1
  # Python files and lines in CDK's validation report.
  JSII_HOST_STACK_TRACES=1
)
for name in LANG LC_ALL LC_CTYPE TERM NO_COLOR FORCE_COLOR CI; do
  [ -z "${!name+set}" ] || clean+=("$name=${!name}")
done

rm -rf "$out"
mkdir -p "$out/source"
git archive "$commit" | tar --extract --directory "$out/source"

shown() { # what the CDK CLI says of a change, on standard error; its exit code is the pipe's
  "${clean[@]}" "$@" 2>&1 | python "$root/tools/printable.py" >&2
}

synthesize() { # folder with the source, profile, folder for the assembly; a finding is no reason to stop here
  # The compliance profile is too large to go inline.
  local bootstrapped=false
  [ "$2" = lab ] || bootstrapped=true
  (cd "$1" && shown "$cdk" synth --quiet --context "profile=$2" --context "bootstrapped=$bootstrapped" --output "$3") ||
    echo "review: findings or errors in $3" >&2
}

failed=0
for profile in lab compliance; do
  echo "review: $profile" >&2
  synthesize "$out/source" "$profile" "$out/base-$profile"
  synthesize "$root" "$profile" "$out/head-$profile"
  for template in "$out/base-$profile"/*.template.json; do
    stack=$(basename "$template" .template.json)
    [ ! -e "$template" ] || [ ! -e "$out/head-$profile/$stack.template.json" ] ||
      shown "$cdk" diff "$stack" --app "$out/head-$profile" --template "$template" --fail-on destructive --no-color ||
      failed=1
  done
  for side in base head; do
    mkdir -p "$out/$side-$profile" # a synth that failed made none
    "${clean[@]}" "$checkov" --directory "$out/$side-$profile" --framework cloudformation --skip-download --output json \
      --soft-fail >"$out/$side-$profile.checkov.json"
  done
  python -m tools.review --title "Profile: $profile" \
    --base "$out/base-$profile" --base-checkov "$out/base-$profile.checkov.json" \
    --head "$out/head-$profile" --checkov "$out/head-$profile.checkov.json" \
    --sarif "$out/$profile.sarif" >"$out/$profile.md" || failed=1
  cat "$out/$profile.md"
done
exit "$failed"
