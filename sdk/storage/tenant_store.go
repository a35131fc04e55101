package storage

import (
	"context"
	"time"
)

// MaxHistoryVersions is how many of the newest versions of a registration a TenantStore keeps,
// unless MaxHistoryBytes leaves fewer. Older versions are dropped, at once or some versions later.
const MaxHistoryVersions = 100

// MaxHistoryBytes bounds the documents of a registration's versions together. PutTenant drops the
// oldest versions beyond it in the same step. The newest MinHistoryVersions versions stay
// whatever their sizes.
const (
	MaxHistoryBytes    = 32 << 20
	MinHistoryVersions = 8
)

// HistoryFits returns how many versions of a registration MaxHistoryBytes leaves. sizes has the
// bytes of their documents, the newest first.
func HistoryFits(sizes []int) int {
	total := 0
	for i, n := range sizes {
		if total += n; total > MaxHistoryBytes && i >= MinHistoryVersions {
			return i
		}
	}
	return len(sizes)
}

// TenantStore is implemented by storages that also keep the tenants of a host: the
// capability CapRegistry. Hosts that are configured with the same storage share
// its tenants. Errors are of package fault.
type TenantStore interface {
	// PutTenant stores the next version of a tenant's registration. It numbers the
	// version and the position under one lock, so that positions become visible in
	// their order. A repeat with the attempt of the newest version returns that
	// version. It returns fault.Conflict when IfVersion is not the newest version.
	PutTenant(ctx context.Context, req *PutTenantRequest) (*Registration, error)
	// GetTenants returns the newest version of each of the tenants that have one, in
	// any order; at most MaxPage ids.
	GetTenants(ctx context.Context, ids []string) ([]Registration, error)
	// ListTenants pages through the newest versions by tenant id, bytewise: those with
	// a greater id than after, at most limit.
	ListTenants(ctx context.Context, after string, limit int) (*RegistrationPage, error)
	// TenantHistory pages through a tenant's versions, newest first: those less than
	// before, or all if before is 0, at most limit. The page of a tenant without versions is
	// empty.
	TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*RegistrationPage, error)
	// TenantChanges returns which tenants changed after the position, at most limit, oldest
	// change first. Of several changes of one tenant only the newest need be returned. Limit
	// 0 asks for Head only.
	TenantChanges(ctx context.Context, after int64, limit int) (*TenantChangePage, error)
}

// TenantWatcher is implemented by TenantStores that notice a change at once: the capability
// CapWatch.
type TenantWatcher interface {
	// WatchTenants calls changed once at the start, as soon as it notices changes, and then
	// whenever a tenant may have changed by any host. It returns when ctx ends, when changed
	// fails, and when it cannot notice changes. Then the error is fault.Invalid if it never
	// can, with the reason, and another error if the caller should try again. It may miss
	// changes while a connection is lost. A caller that must not miss any polls
	// TenantChanges too.
	WatchTenants(ctx context.Context, changed func() error) error
}

// TenantState says whether a registered tenant is served, and where its settings are.
type TenantState int

const (
	TenantActive   TenantState = iota + 1 // served with the settings in Document
	TenantRemoved                         // not served; what it wrote is kept and its id reserved
	TenantPurged                          // all that it wrote is deleted; Document is the receipt
	TenantFromFile                        // its settings come from a file; only its incarnation and storages are here
)

// Registration is one version of what is registered under a tenant's id.
type Registration struct {
	Tenant      string
	Version     int64 // counts this tenant's versions, from 1
	Position    int64 // among all versions of all tenants, increasing
	State       TenantState
	Incarnation string // names the incarnation of the tenant's id
	Document    []byte // written by the host, opaque to the storage
	Note        string // how the version came about, for people
	Attempt     string // from the PutTenantRequest
	CreatedAt   time.Time
}

// PutTenantRequest asks for the next version of a registration.
type PutTenantRequest struct {
	Tenant      string
	IfVersion   int64 // must be the newest version; 0: there must be none
	State       TenantState
	Incarnation string
	Document    []byte
	Note        string
	Attempt     string // chosen by the host, unique to this version; not empty
	// EraseHistory erases the earlier versions in the same step: nothing of their
	// documents is left. Version goes on counting.
	EraseHistory bool
}

// RegistrationPage is a page of registrations.
type RegistrationPage struct {
	Registrations []Registration
	More          bool
}

// TenantChange says that a tenant has a new version.
type TenantChange struct {
	Position int64
	Tenant   string
	Version  int64
}

// TenantChangePage is the result of TenantChanges.
type TenantChangePage struct {
	Changes []TenantChange
	More    bool
	Head    int64 // the greatest position given out; 0 for none
}
