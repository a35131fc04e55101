#!/bin/sh
# Makes the older and the newer protocol of host/plugins/testdata/versions from the recorded candidate
# in tools/protocol: the older one lacks RPCs, a service, fields, features and a part kind of the
# candidate, the newer one has RPCs, a service, fields, a feature, enum values and a part kind more.
# Then buf generates their Go code. `make proto-record` runs this.
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
	for f in chat/v1/chat plugin/v1/plugin plugin/v1/feature llm/v1/llm memory/v1/memory storage/v1/storage; do
		mkdir -p "$versions/$v/proto/botyard/$(dirname $f)"
		# Comments would make these files look like the protocol's documentation.
		awk '!/^ *\/\//' "tools/protocol/botyard/$f.proto" >"$versions/$v/proto/botyard/$f.proto"
	done
done

older=$versions/older/proto/botyard
drop $older/chat/v1/chat.proto ' Other other = '
drop $older/plugin/v1/plugin.proto ' (host_version|egress) = '
drop $older/plugin/v1/plugin.proto ' rpc CheckConfig'
drop $older/plugin/v1/plugin.proto ' (maker|llm) = '
edit $older/plugin/v1/plugin.proto '/^message GetInfoRequest/ { skip = 1 } skip && /(services|features) = / { next } /^}/ { skip = 0 } { print }'
drop $older/plugin/v1/feature.proto 'FEATURE_(OWNERS|EMBED|TOOLS|RESPONSE_FORMAT|OVERRIDES)'
drop $older/llm/v1/llm.proto 'FEATURE_(TOOLS|RESPONSE_FORMAT|OVERRIDES)|plugin.v1.feature.proto| stable_messages = '
drop_rpc $older/llm/v1/llm.proto Embed
drop $older/storage/v1/storage.proto 'FEATURE_OWNERS'
drop_rpc $older/storage/v1/storage.proto Import

newer=$versions/newer/proto/botyard
add $newer/plugin/v1/plugin.proto '^message GetInfoResponse ' '  string homepage = 1000;'
add $newer/plugin/v1/plugin.proto '^message ConfigureResponse ' '  string mood = 1000;'
add $newer/plugin/v1/plugin.proto '^service PluginService ' '  rpc Ponder(ReleaseRequest) returns (ReleaseResponse);'
add $newer/plugin/v1/feature.proto 'FEATURE_UNSPECIFIED = 0;' '  FEATURE_TELEPATHY = 1000;'
add $newer/plugin/v1/plugin.proto '^message LLMTraits ' '  bool humour = 1000;'
add $newer/plugin/v1/plugin.proto '^message MemoryNeeds ' '  bool sleep = 1000;'
add $newer/chat/v1/chat.proto '^  oneof part ' '    Hologram hologram = 1000;'
echo 'message Hologram { string shape = 1; }' >>$newer/chat/v1/chat.proto
add $newer/llm/v1/llm.proto '^service LLMService ' '  rpc Dream(ChatRequest) returns (ChatResponse);'
add $newer/llm/v1/llm.proto '^message ChatRequest ' '  string wish = 1000 [(botyard.plugin.v1.field_feature) = FEATURE_TELEPATHY];'
add $newer/llm/v1/llm.proto '^message ChatResponse ' '  string mood = 1000;'
add $newer/llm/v1/llm.proto '^message Finish ' '  string mood = 1000;'
add $newer/llm/v1/llm.proto 'REASON_UNSPECIFIED = 0;' '    REASON_BOREDOM = 1000;'
add $newer/memory/v1/memory.proto '^service MemoryService ' '  rpc Dream(ForgetRequest) returns (ForgetResponse);'
add $newer/memory/v1/memory.proto '^message RecallResponse ' '  string mood = 1000;'
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
