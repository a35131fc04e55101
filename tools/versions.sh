#!/bin/sh
# Makes the older and the newer protocol of host/plugins/testdata/versions from the recorded candidate
# in tools/protocol: the older one lacks an RPC, a service, fields and a feature of the candidate, the
# newer one has an RPC, a service, fields, a feature, an enum value and a part kind more. Then buf
# generates their Go code. `make proto-record` runs this.
set -eu
cd "$(dirname "$0")/.."
versions=host/plugins/testdata/versions

# edit FILE AWK-PROGRAM fails if the program changes nothing, because the test would then test nothing.
edit() {
	awk "$2" "$1" >"$1.new"
	if cmp -s "$1" "$1.new"; then
		echo "$0: an edit of $1 changes nothing: $2"
		exit 1
	fi
	mv "$1.new" "$1"
}

# drop_rpc FILE NAME deletes an RPC that has options. drop FILE PATTERN deletes lines. add FILE PATTERN
# TEXT adds a line after the first line with the pattern.
drop_rpc() { edit "$1" "/^  rpc $2\\(/ { skip = 1 } !skip { print } skip && /^  }/ { skip = 0 }"; }
drop() { edit "$1" "!/$2/"; }
add() { edit "$1" "{ print } /$2/ && !done { print \"$3\"; done = 1 }"; }

for v in older newer; do
	rm -rf "$versions/$v/proto" "$versions/$v/gen"
	mkdir -p "$versions/$v/proto"
	for f in chat/v1/chat plugin/v1/plugin plugin/v1/feature storage/v1/storage; do
		mkdir -p "$versions/$v/proto/botyard/$(dirname $f)"
		# Comments would make these files look like the protocol's documentation.
		awk '!/^ *\/\//' "tools/protocol/botyard/$f.proto" >"$versions/$v/proto/botyard/$f.proto"
	done
done

older=$versions/older/proto/botyard
drop $older/plugin/v1/plugin.proto ' (host_version|egress) = '
edit $older/plugin/v1/plugin.proto '/^message GetInfoRequest/ { skip = 1 } skip && /(services|features) = / { next } /^}/ { skip = 0 } { print }'
drop $older/plugin/v1/feature.proto 'FEATURE_OWNERS'
drop $older/storage/v1/storage.proto 'FEATURE_OWNERS'
drop_rpc $older/storage/v1/storage.proto Import

newer=$versions/newer/proto/botyard
add $newer/plugin/v1/plugin.proto '^message GetInfoResponse ' '  string homepage = 1000;'
add $newer/plugin/v1/plugin.proto '^message ConfigureResponse ' '  string mood = 1000;'
add $newer/plugin/v1/plugin.proto '^service PluginService ' '  rpc Ponder(ReleaseRequest) returns (ReleaseResponse);'
add $newer/plugin/v1/feature.proto 'FEATURE_UNSPECIFIED = 0;' '  FEATURE_TELEPATHY = 1000;'
add $newer/storage/v1/storage.proto '^message Turn ' '  string weather = 1000;'
add $newer/storage/v1/storage.proto '^message Started ' '  string weather = 1000;'
add $newer/storage/v1/storage.proto 'TURN_STATE_UNSPECIFIED = 0;' '  TURN_STATE_DREAMT = 1000;'
add $newer/storage/v1/storage.proto '^  oneof outcome ' '    Later later = 1000;'
echo 'message Later { string reason = 1; }' >>$newer/storage/v1/storage.proto

for v in older newer; do
	template=$(sed -e "s|out: sdk/proto|out: $versions/$v/gen|" buf.gen.yaml)
	bin/tools/buf generate "$versions/$v/proto" --template "$template
managed:
  enabled: true
  override:
    - file_option: go_package_prefix
      value: github.com/botyard/botyard/$versions/$v/gen"
done
