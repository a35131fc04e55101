package config

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/secret"
)

// hostKeyKey names the key of the host file that refers to the host's key. Without it, the host's
// key is a file in data_dir.
const hostKeyKey = "host_key"

// HostKey reads the host's key to which host_key refers. It also returns the path of the key's
// file, which is empty if the key is in an environment variable. The returned key is nil if the
// host's files do not set host_key. An error is [Problems], and never contains the key.
func (h *Host) HostKey() (key *secret.Key, file string, err error) {
	addProblem := func(why *secretProblem) (*secret.Key, string, error) {
		return nil, file, Problems{h.hostMerge.problem(Path{hostKeyKey}, why.message, why.expected)}
	}
	text, _ := h.hostMerge.tree[hostKeyKey].(string)
	ref, whole := parseReference(text)
	if !whole {
		return nil, "", nil // not set: hostKeyProblems refuses a text that is not a reference
	}
	var raw []byte
	if ref.Scheme == schemeFile {
		if file = ref.Name; !filepath.IsAbs(file) {
			file = filepath.Join(h.folder, file)
		}
		if raw, err = readfile.Read(context.Background(), file, maxSecret); err != nil {
			_, why := asSecret(ref.Name, nil, err)
			return addProblem(why)
		}
	} else {
		value, why := h.variable(ref)
		if why != nil {
			return addProblem(why)
		}
		raw = []byte(value)
	}
	if key, err = secret.ParseKey(raw); err != nil {
		return addProblem(&secretProblem{"refers to no key: " + err.Error(), "32 random bytes, or as text in base64 or hexadecimal, as `head -c 32 /dev/urandom | base64` makes"})
	}
	return key, file, nil
}

// hostKeyProblems returns the problems of the value of host_key. It does not read the key to
// which the value refers.
func (h *Host) hostKeyProblems() Problems {
	text, given := h.hostMerge.tree[hostKeyKey].(string)
	if !given {
		return nil // the schema reports a value that is not a text
	}
	ref, whole := parseReference(text)
	const expected = "a reference: env(\"NAME\") or file(\"PATH\") in HCL, ${env:NAME} or ${file:PATH} in YAML and JSON"
	switch {
	case !whole:
		return Problems{h.hostMerge.problem(Path{hostKeyKey}, "is not a reference, and a key does not belong into a configuration file", expected)}
	case ref.check() != "":
		return Problems{h.hostMerge.problem(Path{hostKeyKey}, ref.check(), expected)}
	case ref.Scheme == schemeEnv && slices.Contains(h.Settings.AllowEnv, ref.Name):
		return Problems{h.hostMerge.problem(Path{hostKeyKey}, "refers to a variable that allow_env lets tenants refer to", "one that is the host's alone")}
	}
	return nil
}
