package registry

import (
	"errors"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// SourceFile is the Source of a tenant of a file, as the tenant itself sees it.
const SourceFile = "file"

// ForTenant returns the description as the tenant itself may see it. It has nothing of the operator's
// document, and no error in it names a file, a line or a secret of the operator, or has words of a
// plugin or an upstream. Effective is unchanged: Entry.ForTenant of package config is for its keys.
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

// notServed returns err, which says why the newest settings are not served, as the tenant may see it:
// the problems that are in the tenant's own document. If there are none, a sentence says that the
// operator can see more.
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
