package registry

import (
	"errors"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// SourceFile is the Source that ForTenant sets for a tenant whose configuration comes from a file.
const SourceFile = "file"

// ForTenant returns the description as the tenant itself may see it. It removes the operator's document
// and the name of its file. It removes the positions in the operator's files from Held and Err, the words
// of plugins and upstreams from Unavailable, and the name of the secret from Missing. ForTenant does not
// change Effective: a caller that shows its keys passes them through config.Entry.ForTenant.
func (t Tenant) ForTenant() Tenant {
	docs := t.Documents
	t.Documents.Operator = nil
	if t.Source != SourceAPI {
		t.Source = SourceFile
	}
	t.Held = forTenant(t.Held, docs)
	if t.Err != nil {
		t.Err = notServed(t.Err, docs)
	}
	if t.Unavailable != nil {
		f := *fault.Of(t.Unavailable)
		f.Message, f.Path, f.Err = f.ForCallers(), nil, nil
		t.Unavailable = &f
	}
	if t.Missing != nil {
		t.Missing = fault.New(fault.Invalid, "a secret of the operator's settings is missing; the operator can see which").By(fault.PartyTenant)
	}
	return t
}

// notServed returns what the tenant may see of err, the reason why the newest settings are not served:
// the problems that are in the tenant's own document. If err has no such problem, notServed returns an
// error which says that the operator can see the reason.
func notServed(err error, docs config.Documents) error {
	var all config.Problems
	if errors.As(err, &all) {
		own := slices.DeleteFunc(all.ForTenant(docs.Own, docs.Operator), func(p config.Problem) bool { return p.Pos == (config.Pos{}) })
		if len(own) > 0 {
			return own
		}
	}
	return fault.New(fault.Invalid, "the settings of the tenant are not valid now; the operator can see why").By(fault.PartyTenant)
}
