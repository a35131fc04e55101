#!/bin/sh
# Compares the protocol in sdk/proto with the recorded candidate in tools/protocol. Prints each
# change that breaks a host or a plugin of the candidate and that tools/protocol/exceptions does not
# list with a reason, and each exception that is no longer needed. See `make lint`.
#
#   tools/breaking.sh [FOLDER]    FOLDER has the protocol instead of sdk/proto; tests use that
set -u
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# buf takes the rules from here and not from buf.yaml, because FOLDER may be anywhere.
cp -R "${1:-sdk/proto}" "$tmp/new"
bin/tools/buf breaking "$tmp/new" --against tools/protocol --config \
	'{"version": "v2", "breaking": {"use": ["WIRE_JSON", "RPC_NO_DELETE", "PACKAGE_SERVICE_NO_DELETE"]}}' >"$tmp/out" 2>&1
case $? in
0 | 100) ;;
*) cat "$tmp/out"; exit 1 ;;
esac
sed -e "s|^$tmp/new/||" -e 's/:[0-9]*:[0-9]*:/: /' "$tmp/out" | sort -u >"$tmp/found"

# An exception is a line of the output, below a line with # and the reason. An empty line ends what
# the reason stands for.
exceptions=${BOTYARD_PROTO_EXCEPTIONS:-tools/protocol/exceptions}
awk '/^#/ { reason = 1; next } /^$/ { reason = 0; next } !reason { print "an exception has no reason: " $0 }' "$exceptions" >"$tmp/bad"
grep -v -e '^#' -e '^$' "$exceptions" | sort -u >"$tmp/listed"
comm -23 "$tmp/found" "$tmp/listed" | sed 's/^/breaks the protocol: /' >>"$tmp/bad"
comm -13 "$tmp/found" "$tmp/listed" | sed 's/^/is listed as an exception, and breaks nothing: /' >>"$tmp/bad"
[ -s "$tmp/bad" ] || exit 0
cat "$tmp/bad"
echo "A plugin or host of the recorded candidate would fail. Add fields and calls instead of changing them. Or list the lines"
echo "after \"breaks the protocol: \" in tools/protocol/exceptions, below a line with # and the reason. As long as the protocol is"
echo "a candidate, \`make proto-record\` records a new one."
exit 1
