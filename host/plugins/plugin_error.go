package plugins

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/fault"
)

// originOf returns the origin of errors that a plugin of the kind returns.
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

// fromPlugin converts an error that a plugin returned to an error of the host. All errors
// of plugins pass through fromPlugin. The result has an origin, which decides whom the
// error blames and who may read its text, and a sanitized text. Errors of the caller's emit
// function are returned unchanged.
func (s *supervisor) fromPlugin(err error, from fault.Origin) error {
	if err == nil {
		return nil
	}
	if own := (*callerError)(nil); errors.As(err, &own) {
		return err
	}
	f := fault.Of(err)
	message, path := s.m.sanitizer.Clean(f.Message, process.MaxMessageBytes), s.cleanPath(f.Path)
	if f.Origin == fault.OriginHere {
		if message == f.Message && slices.Equal(path, f.Path) {
			return err
		}
		from = fault.OriginHere
	}
	out := f.From(from)
	out.Message, out.Path = message, path
	out.Err = nil // f.Err contains the text before it was sanitized
	for _, kept := range []error{fault.ErrRequestTooLarge, fault.ErrAnswerTooLarge} {
		if errors.Is(err, kept) {
			out.Err = kept
		}
	}
	return out
}

// cleanPath returns the path of a plugin's error with a sanitized text. It returns a path of one
// segment if a secret crosses the border of two segments.
func (s *supervisor) cleanPath(path fault.Path) fault.Path {
	if len(path) == 0 {
		return nil
	}
	out := make(fault.Path, len(path))
	size := 0
	for i, segment := range path {
		out[i] = s.m.sanitizer.Clean(segment, process.MaxNameBytes)
		size += len(out[i])
	}
	whole := s.m.sanitizer.Clean(strings.Join(path, "."), process.MaxNameBytes)
	if size > process.MaxNameBytes || whole != strings.Join(out, ".") {
		return fault.Path{whole}
	}
	return out
}

// secretsOf returns the secrets of a configuration: those in Spec.Secrets, and the
// passwords in URLs of all its texts.
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

// withKey returns err with the full key in the tenant's document, if err names a key of the
// tenant's settings. The plugin knows only its own block, so its key is relative to that
// block. Errors that blame the caller get no key.
func (i *Instance) withKey(err error) error {
	f := (*fault.Error)(nil)
	if len(i.block) == 0 || !errors.As(err, &f) || f.Origin == fault.OriginHere || f.Party == fault.PartyCaller {
		return err
	}
	out := *f
	switch {
	case len(f.Path) > 0:
		out.Path = f.Path.Below(i.block...)
	case f.Party == fault.PartyTenant:
		out.Path = i.block
	}
	return &out
}
