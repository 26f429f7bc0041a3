#!/bin/sh
# Builds the agent as one static program and proves that it is one: it names no interpreter and no shared library, it
# starts, and it resolves a server's name. Needs the C library's static half (Debian: libc6-dev) and readelf (binutils).
#
#     tests/static-agent.sh [PROFILE]        release unless a profile is named
set -eu
cd "$(dirname "$0")/.."
profile=${1:-release}
# The flag is for the last step alone: it decides what the program is linked with.
cargo rustc --profile "$profile" -p agent --bin mainstay-agent -- -C target-feature=+crt-static
case $profile in dev) folder=debug ;; *) folder=$profile ;; esac
agent=${CARGO_TARGET_DIR:-target}/$folder/mainstay-agent

fail() {
    echo "static-agent: $1" >&2
    exit 1
}

readelf -lW "$agent" | grep -q INTERP && fail "the program names an interpreter"
readelf -dW "$agent" | grep -q NEEDED && fail "the program needs a shared library"
"$agent" --version >/dev/null || fail "the program does not start"

# "localhost" comes from /etc/hosts by the C library's own resolver: the enrolment must get as far as the refused connection.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
token=mst1_AAAAAAAAAAAAAAAAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
said=$("$agent" --dir "$folder" enrol wss://localhost:9/agent "$token" 2>&1) && fail "it enrolled at nobody"
case $said in
*"onnection refused"*) ;;
*) fail "it did not resolve a name: $said" ;;
esac
# A name that only DNS could know: the answer must be the resolver's, not that there is no way to ask.
said=$("$agent" --dir "$folder" enrol wss://no-such-host.invalid:9/agent "$token" 2>&1) && fail "it enrolled at nobody"
case $said in
*"failed to lookup address"*) ;;
*) fail "it did not ask for a name: $said" ;;
esac
echo "static-agent: $agent is one static program of $(wc -c <"$agent") bytes"
