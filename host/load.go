package host

import (
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/hashicorp/go-hclog"
)

// load reads the host's files and the host's key, and creates a key if there is none. The key is
// nil for a host without a data_dir. load writes nothing before Preflight has succeeded.
func load(o Options) (*config.Host, *secret.Key, error) {
	cfg, err := readFiles(o, nil)
	if err != nil {
		return nil, nil, err
	}
	if wrong := Preflight(o, cfg); len(wrong) > 0 {
		return nil, nil, wrong
	}
	if !o.keepsData() {
		return cfg, nil, nil
	}
	if err := os.MkdirAll(cfg.Settings.DataDir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("data_dir: %w", err)
	}
	key, wrong := findKey(o, cfg)
	if len(wrong) > 0 {
		return nil, nil, wrong
	}
	if key == nil {
		if key, err = secret.LoadOrCreateKey(keyFile(cfg.Settings)); err != nil {
			return nil, nil, err
		}
	}
	if err := writeDigest(cfg.Settings, key); err != nil {
		return nil, nil, fmt.Errorf("data_dir: %w", err)
	}
	cfg.SealWith(key)
	return cfg, key, nil
}

// readFiles reads the host's files and writes nothing. Without a key, the revisions of tenants
// differ with each call.
func readFiles(o Options, key *secret.Key) (*config.Host, error) {
	opts := config.LoadOptions{File: o.ConfigFile, Overlay: o.Overlay, Environ: o.Environ, Sealer: key, OpenToAll: o.openToAll, Dialing: o.dialing}
	if o.ConfigFile == "" && o.Config != nil {
		opts.Document = config.FromMap("host configuration", o.Config)
	}
	return config.LoadHost(opts)
}

// maxOpenFileWarnings is the maximum number of files for which warnOnce logs a warning.
const maxOpenFileWarnings = 100

// warnOnce returns a function that logs a warning for a file with a secret that all users may
// read. It logs only one warning for each file. The function is safe for concurrent use.
func warnOnce(log hclog.Logger) func(path string, mode fs.FileMode) {
	var mu sync.Mutex
	warned := map[string]bool{}
	return func(path string, mode fs.FileMode) {
		mu.Lock()
		defer mu.Unlock()
		if warned[path] || len(warned) >= maxOpenFileWarnings {
			return
		}
		warned[path] = true
		log.Warn("every user of this machine may read a file with a secret; chmod 600 it", "file", path, "mode", fmt.Sprintf("%04o", mode))
	}
}
