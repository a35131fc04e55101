package plugins

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/fault"
)

// originOf says what the answers of a kind's plugins are.
func originOf(kind string) fault.Origin {
	switch kind {
	case "llm":
		return fault.OriginModel
	case "memory":
		return fault.OriginMemory
	case "storage":
		return fault.OriginStorage
	}
	return fault.OriginPlugin
}

// heard is the host's edge: what a plugin answered with an error becomes an error
// of the host. It says whose words they are, and so who is to blame and who may
// read them, and has no secret in it. The caller's own errors, which went through the
// plugin's client, are left as they are.
func (s *supervisor) fromPlugin(err error, from fault.Origin) error {
	if err == nil {
		return nil
	}
	if own := (*callerError)(nil); errors.As(err, &own) {
		return err
	}
	f := fault.Of(err)
	message, path := s.m.sanitizer.Clean(f.Message, process.MaxMessageBytes), s.m.sanitizer.Clean(f.Path, process.MaxNameBytes)
	if f.Origin == fault.OriginHere {
		if message == f.Message && path == f.Path {
			return err
		}
		from = fault.OriginHere
	}
	out := f.From(from)
	out.Message, out.Path = message, path
	out.Err = nil // grpc's own form of it, with the same words
	if errors.Is(err, fault.ErrTooLarge) {
		out.Err = fault.ErrTooLarge
	}
	return out
}

// secretsOf are the secrets of a configuration: those that are known as such, and the
// passwords in its other texts.
func secretsOf(spec Spec) []string {
	out := slices.Clone(spec.Secrets)
	var config any
	if json.Unmarshal(spec.Config, &config) != nil {
		return out
	}
	var look func(any)
	look = func(value any) {
		switch v := value.(type) {
		case string:
			out = append(out, secret.Passwords(v)...)
		case map[string]any:
			for _, item := range v {
				look(item)
			}
		case []any:
			for _, item := range v {
				look(item)
			}
		}
	}
	look(config)
	return out
}

// placed gives a fault that names a key of the tenant's settings its place in the
// document: the plugin knows nothing beyond its own block. What is the caller's fault
// names no key.
func (i *Instance) withKey(err error) error {
	f := (*fault.Error)(nil)
	if i.block == "" || !errors.As(err, &f) || f.Origin == fault.OriginHere || f.Party == fault.PartyCaller {
		return err
	}
	out := *f
	switch {
	case f.Path != "":
		out.Path = i.block + "." + f.Path
	case f.Party == fault.PartyTenant:
		out.Path = i.block
	}
	return &out
}
