package plugins

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/fault"
)

// originOf returns the origin of the errors that plugins of the kind answer.
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

// fromPlugin returns the host's form of an error that a plugin answered. All errors of
// plugins pass it. The result names its origin, which decides who is to blame and who may
// read its text, and the text is sanitized. Errors of the caller's own, which went through
// the plugin's client, are returned as they are.
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
	out.Err = nil // gRPC's own form of the error, with the text that was not sanitized
	if errors.Is(err, fault.ErrTooLarge) {
		out.Err = fault.ErrTooLarge
	}
	return out
}

// secretsOf returns the secrets of a configuration: those that Spec.Secrets names, and the
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

// withKey returns a fault of the tenant's settings with the key's place in the tenant's
// document. The plugin knows only its own block, and names the key below that. Faults of the
// caller name no key.
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
