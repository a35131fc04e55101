package storage

import (
	"context"
	"time"
)

// MaxHistoryVersions is how many of the newest versions of a registration a TenantStore keeps. It
// keeps fewer if their documents exceed MaxHistoryBytes. It drops older versions at once, or some
// versions later.
const MaxHistoryVersions = 100

// MaxHistoryBytes bounds the documents of all versions of a registration together. PutTenant drops
// the oldest versions that exceed the bound in the same transaction. It always keeps the newest
// MinHistoryVersions versions.
const (
	MaxHistoryBytes    = 32 << 20
	MinHistoryVersions = 8
)

// HistoryFits returns how many versions of a registration fit into MaxHistoryBytes. sizes are the
// sizes of the documents in bytes, the newest first.
func HistoryFits(sizes []int) int {
	total := 0
	for i, n := range sizes {
		if total += n; total > MaxHistoryBytes && i >= MinHistoryVersions {
			return i
		}
	}
	return len(sizes)
}

// TenantStore is the interface of a storage that also stores registered tenants. A plugin whose
// instances implement it serves the service TenantStoreService. Hosts that use the same storage
// share its tenants. Errors are of package fault.
type TenantStore interface {
	// PutTenant stores the next version of a tenant's registration. It assigns the version and the
	// position under one lock, so that positions become visible in increasing order. If the request
	// has the attempt of the newest version, PutTenant returns that version. It returns
	// fault.Conflict if IfVersion is not the newest version.
	PutTenant(ctx context.Context, req *PutTenantRequest) (*Registration, error)
	// GetTenants returns the newest versions of the tenants with these ids, in any order. It leaves
	// out ids without a version. There are at most MaxPage ids.
	GetTenants(ctx context.Context, ids []string) ([]Registration, error)
	// ListTenants returns a page of the newest versions, in the byte order of the tenant ids. The
	// page has at most limit versions of tenants whose id is greater than after.
	ListTenants(ctx context.Context, after string, limit int) (*RegistrationPage, error)
	// TenantHistory returns a page of a tenant's versions, newest first. The page has at most limit
	// versions less than before, or at most limit versions if before is 0. It is empty if the
	// tenant has no versions.
	TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*RegistrationPage, error)
	// TenantChanges returns which tenants changed after the position, oldest change first, at most
	// limit changes. If a tenant changed several times, TenantChanges may return only the newest
	// change. With limit 0 it returns only Head.
	TenantChanges(ctx context.Context, after int64, limit int) (*TenantChangePage, error)
}

// TenantWatcher is the interface of a TenantStore that reports changes at once, with the feature
// feature.Watch.
type TenantWatcher interface {
	// WatchTenants calls changed once when the watch has started, and then whenever any host may
	// have changed a tenant. It returns an error of changed, the error of ctx when ctx is canceled,
	// or an error when the watch fails. The error fault.Invalid says that this storage can never
	// report changes. After another error the caller may try again. WatchTenants may miss changes
	// while a connection is lost. A caller that must see every change also polls TenantChanges.
	WatchTenants(ctx context.Context, changed func() error) error
}

// TenantState says whether a host serves a registered tenant, and where the tenant's settings are.
type TenantState int

const (
	// TenantActive is a tenant that is served with the settings in Document.
	TenantActive TenantState = iota + 1
	// TenantRemoved is a tenant that is not served. Its conversations stay, and its id is reserved.
	TenantRemoved
	// TenantPurged is a tenant whose conversations were deleted. Document is the receipt.
	TenantPurged
	// TenantFromFile is a tenant whose settings are in a file. The registration has only the
	// tenant's incarnation and storages.
	TenantFromFile
)

// Registration is one version of a registered tenant.
type Registration struct {
	Tenant      string
	Version     int64 // counts the versions of this tenant, from 1
	Position    int64 // increases with each version of any tenant
	State       TenantState
	Incarnation string // the incarnation of the tenant's id
	Document    []byte // written by the host; opaque to the storage
	Note        string // a text for people that says why the version was made
	Attempt     string // the attempt of the PutTenantRequest
	CreatedAt   time.Time
}

// PutTenantRequest has the next version of a registration.
type PutTenantRequest struct {
	Tenant      string
	IfVersion   int64 // the version that must be the newest; 0 means that there must be no version
	State       TenantState
	Incarnation string
	Document    []byte
	Note        string
	Attempt     string // not empty; the host chooses it for this version alone
	// EraseHistory erases the documents of all earlier versions in the same transaction. Version
	// continues to count.
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
	Head    int64 // the greatest position of all versions; 0 if there is none
}
