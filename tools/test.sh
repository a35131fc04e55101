#!/bin/sh
# Runs all tests with the race detector, and the tests of the costs of host/config without it. Three
# streams run beside each other, because many tests wait for processes most of their time:
#
#	host/e2e
#	the other packages of the host, one at a time
#	the other modules, one package at a time
#
# The second stream prints as it goes on. The others print what they found at their end.
#
# The environment sets GO, BIN, MODULES, and STORAGES, the flags of go test for the other modules.
set -u
cd "$(dirname "$0")/.."

others=
for m in $MODULES; do
	[ "$m" = host ] || others="$others ./$m/..."
done
host=$("$GO" list ./host/... | grep -v '/host/e2e$') || exit 1

# Without this, each stream would compile the same packages.
# shellcheck disable=SC2086
"$GO" build -race ./host/... $others || exit 1

# The cache of go test does not know the binaries that the host's tests build and start. Therefore
# -count=1 runs these tests each time.
"$GO" test -race -count=1 -timeout 40m ./host/e2e >"$BIN/test-e2e.log" 2>&1 &
e2e=$!
# shellcheck disable=SC2086
"$GO" test -race -p 1 -timeout 40m $STORAGES $others >"$BIN/test-modules.log" 2>&1 &
modules=$!

failed=0
# shellcheck disable=SC2086
"$GO" test -race -p 1 -count=1 -timeout 40m $host || failed=1
# The race detector allocates memory too. Therefore the tests that count bytes run without it.
"$GO" test -count=1 -run costly ./host/config || failed=1
wait $modules || failed=1
cat "$BIN/test-modules.log"
wait $e2e || failed=1
cat "$BIN/test-e2e.log"
exit $failed
