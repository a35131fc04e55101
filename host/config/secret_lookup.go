package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/readfile"
)

// secretProblem says why the secret of a reference cannot be read, or why a secret cannot be
// used.
type secretProblem struct{ message, expected string }

func missingSecret(format string, args ...any) *secretProblem {
	return &secretProblem{message: "missing secret: " + fmt.Sprintf(format, args...)}
}

// maxSecret is the maximum length of a secret, in bytes.
const maxSecret = bounds.SecretBytes

// lookup returns the secret that ref names. For a reference of a tenant, it checks first whether
// the tenant may use the name, so that error messages cannot reveal which other variables and
// files exist.
func (h *Host) lookup(tenant string, ref Reference) (string, *secretProblem) {
	switch {
	case ref.Scheme == schemeEnv:
		return h.variable(ref)
	case ref.Scheme == schemeFile && ref.Tenant:
		return h.tenantFile(tenant, ref.Name)
	case ref.Scheme == schemeFile:
		return h.hostFile(ref.Name)
	}
	return "", &secretProblem{message: ref.check(), expected: "${env:NAME} or ${file:PATH}"}
}

// variable returns the secret in the environment variable that ref names.
func (h *Host) variable(ref Reference) (string, *secretProblem) {
	if ref.Tenant && !slices.Contains(h.Settings.AllowEnv, ref.Name) {
		return "", &secretProblem{
			message:  fmt.Sprintf("refers to the environment variable %s, which the operator does not let tenants use", ref.Name),
			expected: "a name in allow_env of the host file",
		}
	}
	value, ok := h.environ[ref.Name]
	switch {
	case !ok:
		return "", missingSecret("the environment variable %s is not set", ref.Name)
	case value == "":
		return "", missingSecret("the environment variable %s is empty", ref.Name)
	case !utf8.ValidString(value):
		return "", missingSecret("the environment variable %s is not UTF-8 text", ref.Name)
	case len(value) > maxSecret:
		return "", missingSecret("the environment variable %s has more than %d bytes", ref.Name, maxSecret)
	}
	return value, nil
}

// hostFile returns the secret in a file that a reference of the operator names.
func (h *Host) hostFile(name string) (string, *secretProblem) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(h.folder, path)
	}
	text, err := readfile.Read(context.Background(), path, maxSecret)
	if err == nil {
		h.tellOpen(path)
	}
	return asSecret(name, text, err)
}

// tellOpen calls LoadOptions.OpenToAll for a file that every user of the machine may read.
func (h *Host) tellOpen(path string) {
	if h.open == nil {
		return
	}
	if mode, open := readfile.WorldReadable(context.Background(), path); open {
		h.open(path, mode)
	}
}

// tenantFile returns the secret in a file below secrets_dir/TENANT. It opens the folder as an
// os.Root, which refuses symbolic links that leave the folder, even if a link is created during
// the call.
func (h *Host) tenantFile(tenant, name string) (string, *secretProblem) {
	outside := &secretProblem{
		message:  fmt.Sprintf("refers to the file %q, which is not in the tenant's own folder", name),
		expected: "a path in secrets_dir/TENANT, relative to it",
	}
	if h.Settings.SecretsDir == "" {
		return "", &secretProblem{
			message:  "refers to a file, but the host has no folder of tenants' secrets",
			expected: "secrets_dir in the host file",
		}
	}
	if !filepath.IsLocal(name) || ValidTenantID(tenant) != nil {
		return "", outside
	}
	path := filepath.Join(h.Settings.SecretsDir, tenant, name)
	type found struct {
		text    []byte
		refused *secretProblem
	}
	got, err := readfile.Bounded(context.Background(), path, func() (out found, err error) {
		all, err := os.OpenRoot(h.Settings.SecretsDir)
		if err != nil {
			out.refused = missingSecret("the folder secrets_dir cannot be opened: %s", reason(err))
			return out, nil
		}
		defer all.Close()
		root, err := all.OpenRoot(tenant)
		if err != nil {
			out.refused = missingSecret("the tenant's folder in secrets_dir cannot be opened: %s", reason(err))
			return out, nil
		}
		defer root.Close()
		if _, err := root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			// Package os exports no error for a path that leaves the root, so every other error
			// counts as such a path.
			out.refused = outside
			return out, nil
		}
		out.text, err = readfile.ReadIn(root, name, maxSecret)
		return out, err
	})
	if got.refused != nil {
		return "", got.refused
	}
	if err == nil {
		h.tellOpen(path)
	}
	return asSecret(name, got.text, err)
}

func unreadable(name string, err error) *secretProblem {
	return missingSecret("the file %s cannot be read: %s", name, reason(err))
}

// asSecret returns the content b of a file as a secret, without one line end at the end. err is
// the error of reading the file.
func asSecret(name string, b []byte, err error) (string, *secretProblem) {
	var large *readfile.SizeError
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case errors.As(err, &large):
		return "", missingSecret("the file %s has more than %d bytes", name, maxSecret)
	case errors.Is(err, readfile.ErrIrregular):
		return "", missingSecret("%s is not a regular file", name)
	case err != nil:
		return "", unreadable(name, err)
	case text == "":
		return "", missingSecret("the file %s is empty", name)
	case !utf8.ValidString(text):
		return "", missingSecret("the file %s is not UTF-8 text", name)
	}
	return text, nil
}
