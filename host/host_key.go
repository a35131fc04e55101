package host

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/trust"
)

// keyFile returns the path of the file in which the host stores its key if host_key is not set.
func keyFile(s config.Settings) string { return filepath.Join(s.DataDir, "host.key") }

// digestFile returns the path of the file with the digest of the key that has sealed the data in
// data_dir.
func digestFile(s config.Settings) string { return filepath.Join(s.DataDir, "host.key.digest") }

// digestOf returns a digest that identifies the key without revealing it.
func digestOf(key *secret.Key) string { return key.Digest([]byte("botyard host key")) }

// maxDigest is the maximum number of bytes that are read of a digest file. A digest is shorter.
const maxDigest = 256

// findKey returns the host's key, or nil if there is no key yet. It writes nothing. It returns a
// problem if the key cannot be read, if other users may read or change the key, or if another key
// has sealed the host's data.
func findKey(o Options, files *config.Host) (*secret.Key, config.Problems) {
	s := files.Settings
	owners := o.Owners()
	kept, keptErr := secret.LoadKey(keyFile(s))
	if s.HostKey == "" {
		if _, err := os.Stat(digestFile(s)); err == nil && kept == nil && keptErr == nil {
			// A host that starts at the same time may have created the key and the digest since
			// then. It creates the key first.
			kept, keptErr = secret.LoadKey(keyFile(s))
		}
		if keptErr != nil {
			return nil, files.WithPositions(config.Problems{{Path: config.Path{"data_dir"}, Message: keptErr.Error()}})
		}
		var wrong config.Problems
		if kept != nil {
			if info, err := os.Stat(keyFile(s)); err == nil {
				wrong = finding(owners.CheckOwner(keyFile(s), info), "data_dir")
			}
			wrong = append(wrong, sealedByAnother(s, kept, nil, "data_dir")...)
		} else if _, err := os.Stat(digestFile(s)); err == nil {
			wrong = anotherKey(s, "data_dir", "there is no key, neither by host_key nor as "+keyFile(s)+", and what is in "+s.DataDir+" was sealed with one")
		}
		return kept, files.WithPositions(wrong)
	}
	key, file, err := files.HostKey()
	var wrong config.Problems
	if err != nil && !errors.As(err, &wrong) {
		wrong = config.Problems{{Path: config.Path{"host_key"}, Message: err.Error()}}
	}
	if file != "" {
		wrong = append(wrong, finding(owners.CheckPath(file), "host_key")...)
		if mode, open := readfile.WorldReadable(context.Background(), file); open {
			wrong = append(wrong, finding(trust.Finding{
				Path: file, Problem: fmt.Sprintf("has mode %04o: others than its owner and group may read it", mode), Mend: "chmod o= " + trust.Quote(file),
			}, "host_key")...)
		}
	}
	if key != nil {
		wrong = append(wrong, sealedByAnother(s, key, kept, "host_key")...)
	}
	return key, files.WithPositions(wrong)
}

// sealedByAnother returns a problem with the given path if a key other than key has sealed the
// data in data_dir. It compares key with the digest file in data_dir. If there is no digest, it
// compares key with kept, the key in data_dir. kept may be nil.
func sealedByAnother(s config.Settings, key, kept *secret.Key, path string) config.Problems {
	digest, err := readfile.Read(context.Background(), digestFile(s), maxDigest)
	was := strings.TrimSpace(string(digest))
	switch {
	case errors.Is(err, fs.ErrNotExist) && kept != nil:
		was = digestOf(kept)
	case errors.Is(err, fs.ErrNotExist), err == nil && was == "": // the digest file does not exist or is being written
		return nil
	case err != nil:
		return config.Problems{{Path: config.Path{"data_dir"}, Message: err.Error()}}
	}
	if subtle.ConstantTimeCompare([]byte(was), []byte(digestOf(key))) == 1 {
		return nil
	}
	return anotherKey(s, path, "the host's key is another than that which what is in "+s.DataDir+" was sealed with")
}

// anotherKey returns the problem that the key of the host is not the key that has sealed its
// data.
func anotherKey(s config.Settings, path, message string) config.Problems {
	return config.Problems{{
		Path: config.Path{path}, Message: message,
		Expected: fmt.Sprintf("that key; or to begin anew, and to put the secrets of registered tenants again, remove %s, %s and %s",
			trust.Quote(keyFile(s)), trust.Quote(digestFile(s)), trust.Quote(filepath.Join(s.DataDir, lastGood))),
	}}
}

// writeDigest writes the digest of the key with which the host seals its data from now on. It
// does not replace an existing digest.
func writeDigest(s config.Settings, key *secret.Key) error {
	f, err := os.OpenFile(digestFile(s), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(digestOf(key) + "\n")
	return errors.Join(err, f.Close())
}
