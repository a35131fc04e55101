package plugins

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// badStorages is the part of the matrix of bad plugins in which a storage answers with
// something of others. The host refuses what is visibly not what it asked for, and shows
// nothing of it.
var badStorages = []badPlugin{
	foreign("turn of another key", "the turn of another key", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().Begin(ctx, beginIn("replay"))
		return err
	}),
	foreign("use of no key", "the use of a key that the request does not have", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().Begin(ctx, beginIn("reuse"))
		return err
	}),
	foreign("later turns in the tail", "earlier turns that are not earlier", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().Begin(ctx, beginIn("tail"))
		return err
	}),
	foreign("turn without a fence", "a turn without a sequence or a fence", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().Begin(ctx, beginIn("c"))
		return err
	}),
	foreign("turns of another page", "turns that do not follow those before", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().Read(ctx, &storage.ReadRequest{Call: sdk.Call{Tenant: "t", Conversation: "c"}, After: 3, Limit: 1})
		return err
	}),
	foreign("failed turns", "turns that did not succeed or are retracted", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().Read(ctx, &storage.ReadRequest{Call: sdk.Call{Tenant: "t", Conversation: "failed"}, Limit: 1})
		return err
	}),
	foreign("too many turns", "more turns than it was asked for", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().Read(ctx, &storage.ReadRequest{Call: sdk.Call{Tenant: "t", Conversation: "more"}, Limit: 1})
		return err
	}),
	foreign("conversation of another user", "a conversation of another user", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().List(ctx, &storage.ListRequest{Call: sdk.Call{Tenant: "t", User: "u"}, Limit: 1})
		return err
	}),
	foreign("conversations of another page", "conversations that do not follow those before", func(ctx context.Context, i *Instance) error {
		_, err := i.Storage().List(ctx, &storage.ListRequest{Call: sdk.Call{Tenant: "t"}, After: "c", Limit: 1})
		return err
	}),
	foreign("stored tenant of another id", "the registration of another tenant", func(ctx context.Context, i *Instance) error {
		_, err := i.TenantStore().PutTenant(ctx, &storage.PutTenantRequest{Tenant: "t", State: storage.TenantActive, Incarnation: "i", Attempt: "a"})
		return err
	}),
	foreign("tenants of other ids", "the registration of another tenant", func(ctx context.Context, i *Instance) error {
		_, err := i.TenantStore().GetTenants(ctx, []string{"t"})
		return err
	}),
	foreign("tenants of another page", "tenants that do not follow those before", func(ctx context.Context, i *Instance) error {
		_, err := i.TenantStore().ListTenants(ctx, "t", 1)
		return err
	}),
	foreign("version of another tenant", "a version of another tenant", func(ctx context.Context, i *Instance) error {
		_, err := i.TenantStore().TenantHistory(ctx, "t", 0, 1)
		return err
	}),
	foreign("changes of another page", "changes that do not follow those before", func(ctx context.Context, i *Instance) error {
		_, err := i.TenantStore().TenantChanges(ctx, 3, 1)
		return err
	}),
}

// foreign is the row of a storage that answers the call store with something of others. said
// is what the host finds in the answer.
func foreign(what, said string, store func(context.Context, *Instance) error) badPlugin {
	return badPlugin{what: "storage: " + what, store: store, fails: true, class: fault.Internal, told: "the storage plugin bad returned " + said,
		state: Ready, list: []string{said}, log: []string{"plugin failed a call", said}}
}

// beginIn returns a request for a turn without a key.
func beginIn(conversation string) *storage.BeginRequest {
	return &storage.BeginRequest{Call: sdk.Call{Tenant: "t", Conversation: conversation}, Tail: 1, Holder: "h", Lease: time.Minute, Attempt: "a"}
}
