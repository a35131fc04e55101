package plugins

import (
	"errors"

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
// read them. What the host itself made of an answer is left as it is.
func (s *supervisor) heard(err error, from fault.Origin) error {
	if err == nil {
		return nil
	}
	if own := (*emitError)(nil); errors.As(err, &own) {
		return err
	}
	f := fault.Of(err)
	if f.Origin == fault.OriginHere {
		return err
	}
	f = f.From(from)
	f.Err = nil // grpc's own form of it, with the same words
	if errors.Is(err, fault.ErrTooLarge) {
		f.Err = fault.ErrTooLarge
	}
	return f
}

// placed gives a fault that names a key of the tenant's settings its place in the
// document: the plugin knows nothing beyond its own block. What is the caller's fault
// names no key.
func (i *Instance) placed(err error) error {
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
