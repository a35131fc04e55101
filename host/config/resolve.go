package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/egress"
)

// Resolved is a block as its plugin gets it. It is secret as a whole.
type Resolved struct {
	Config  []byte   // JSON, with the block's secrets in place
	Secrets []string // those, in any order
	Egress  egress.Policy
}

// Format writes a placeholder whatever the verb.
func (Resolved) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, secretPlaceholder) }

// Resolve is [Host.ResolveBlock] for who only compares what a block resolves to.
func (h *Host) Resolve(e *Effective, b Block) ([]byte, error) {
	r, err := h.ResolveBlock(e, b)
	return r.Config, err
}

// ResolveBlock gives one of e's blocks as its plugin gets it, and which of it is
// secret. References are looked up now; a file loses one line end at its end.
// Errors are [Problems], which never contain a secret.
func (h *Host) ResolveBlock(e *Effective, b Block) (Resolved, error) {
	var problems Problems
	var secrets []string
	root := Path{b.Kind}
	for _, known := range blocks {
		if known.kind == b.Kind {
			root = Path{known.key}
		}
	}
	sum := secretSum{}
	refuse := func(path Path, r *refusal) {
		problems = append(problems, Problem{Path: path, Message: r.message, Expected: r.expected})
	}
	config := cursor{}.transform(b.Config, root, func(path Path, value any, _ marks) any {
		text := ""
		switch v := value.(type) {
		case secret.Text:
			text = v.Reveal()
		case Reference:
			if !sum.mayHaveMore() {
				break
			}
			var err *refusal
			if text, err = h.lookup(e.Tenant, v); err != nil {
				refuse(path, err)
			}
		default:
			return value
		}
		sum.add(text)
		secrets = append(secrets, text)
		return text
	})
	if r := sum.refusal(); r != nil {
		refuse(root, r)
	}
	if len(problems) > 0 {
		return Resolved{}, e.placed(problems).err()
	}
	out, err := json.Marshal(config)
	if err != nil {
		// Not wrapped: the text of such an error has values in it.
		return Resolved{}, Problems{{Pos: e.pos(root), Path: root, Message: "cannot be written as JSON"}}
	}
	return Resolved{Config: out, Secrets: secrets, Egress: b.Egress}, nil
}

// pos finds where a key was set.
func (e *Effective) pos(path Path) Pos { return e.placed(Problems{{Path: path}})[0].Pos }

// placed gives the problems the positions of their keys, which cost a merge.
func (e *Effective) placed(problems Problems) Problems {
	a := e.trace.merge()
	for i, p := range problems {
		if a == nil {
			problems[i].Pos = Pos{File: "tenant " + e.Tenant}
		} else {
			problems[i].Pos = a.stack.places.locate(p.Path).pos
		}
	}
	return problems
}

// secretSum is how many secrets a block has, and their bytes.
type secretSum struct{ number, bytes int }

func (s *secretSum) add(text string) {
	s.number++
	s.bytes += len(text)
}

// mayHaveMore says whether another secret is worth a look: of those that are too many
// none is used.
func (s *secretSum) mayHaveMore() bool { return s.number < bounds.BlockSecrets }

// refusal says what is wrong with the secrets of a block together; nil if nothing is.
func (s *secretSum) refusal() *refusal {
	switch {
	case s.number > bounds.BlockSecrets:
		return &refusal{fmt.Sprintf("has %d secrets", s.number), fmt.Sprintf("at most %d", bounds.BlockSecrets)}
	case s.bytes > bounds.BlockSecretsBytes:
		return &refusal{fmt.Sprintf("has secrets of more than %d bytes together", bounds.BlockSecretsBytes), "smaller or fewer ones"}
	}
	return nil
}

// refusal is why a reference gives nothing.
type refusal struct{ message, expected string }

func missingSecret(format string, args ...any) *refusal {
	return &refusal{message: "missing secret: " + fmt.Sprintf(format, args...)}
}

// maxSecret bounds a secret, in bytes.
const maxSecret = bounds.SecretBytes

// lookup gets what ref refers to. For a tenant's reference it is asked first
// whether it may, so that a tenant cannot find out what there is.
func (h *Host) lookup(tenant string, ref Reference) (string, *refusal) {
	switch {
	case ref.Scheme == schemeEnv:
		return h.variable(ref)
	case ref.Scheme == schemeFile && ref.Tenant:
		return h.tenantFile(tenant, ref.Name)
	case ref.Scheme == schemeFile:
		return h.hostFile(ref.Name)
	}
	return "", &refusal{message: ref.check(), expected: "${env:NAME} or ${file:PATH}"}
}

func (h *Host) variable(ref Reference) (string, *refusal) {
	if ref.Tenant && !slices.Contains(h.Settings.AllowEnv, ref.Name) {
		return "", &refusal{
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

func (h *Host) hostFile(name string) (string, *refusal) {
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

// tellOpen tells of a file with a secret that all may read.
func (h *Host) tellOpen(path string) {
	if h.open == nil {
		return
	}
	if mode, open := readfile.OpenToAll(context.Background(), path); open {
		h.open(path, mode)
	}
}

// tenantFile reads below secrets_dir/TENANT only: an os.Root does not follow a
// symbolic link out of it, not even one that is put there while it is open.
func (h *Host) tenantFile(tenant, name string) (string, *refusal) {
	outside := &refusal{
		message:  fmt.Sprintf("refers to the file %q, which is not in the tenant's own folder", name),
		expected: "a path in secrets_dir/TENANT, relative to it",
	}
	if h.Settings.SecretsDir == "" {
		return "", &refusal{
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
		refused *refusal
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
			out.refused = outside // what os.Root refuses has no error value of its own
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

func unreadable(name string, err error) *refusal {
	return missingSecret("the file %s cannot be read: %s", name, reason(err))
}

func asSecret(name string, b []byte, err error) (string, *refusal) {
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
