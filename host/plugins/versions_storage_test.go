package plugins

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestVersions_storage runs storage plugins of an older and of a newer protocol.
func TestVersions_storage(t *testing.T) {
	call := sdk.Call{Tenant: "t", Conversation: "c", User: "u"}
	begin := func(owned bool, conversation string) *storage.BeginRequest {
		call := call
		call.Conversation = conversation
		return &storage.BeginRequest{Call: call, Messages: []storage.Message{{Body: []byte("hi"), Text: "hi"}}, Tail: 10,
			Holder: "h", Lease: time.Minute, Attempt: "a", Owned: owned}
	}
	testVersions(t, storage.Kind, []versionCase{
		{"older", "GetInfoRequest has no fields", "the plugin ignores them",
			func(_ context.Context, h *host, _ *Instance) error {
				if st := h.row("older"); st.State != Ready || st.Version != "older" || len(st.Features) > 0 {
					return errors.New("not ready")
				}
				return nil
			}},
		{"older", "no further field in what every turn needs", "a turn works",
			func(ctx context.Context, _ *host, i *Instance) error {
				begun, err := i.Storage().Begin(ctx, begin(false, "c"))
				if err != nil || begun.Started == nil {
					return errors.Join(errors.New("not begun"), err)
				}
				n, err := i.Storage().Commit(ctx, &storage.CommitRequest{Call: call, Fence: "f", State: storage.Succeeded})
				if err != nil || n != 1 {
					return errors.Join(errors.New("not committed"), err)
				}
				return nil
			}},
		{"older", "no field owned, no feature owners", "a request that needs the field is not sent",
			func(ctx context.Context, _ *host, i *Instance) error {
				if i.KnowsOwners() {
					return errors.New("the host takes the feature for granted")
				}
				_, err := i.Storage().Begin(ctx, begin(true, "c"))
				return refused(err, fault.Unsupported, `storage plugin older`, `lacks the feature "owners"`, "field owned of the call Begin")
			}},
		{"older", "no field wrote", "a request that needs the field is not sent",
			func(ctx context.Context, _ *host, i *Instance) error {
				if _, err := i.Storage().List(ctx, &storage.ListRequest{Call: call, Limit: 1}); err != nil {
					return err
				}
				_, err := i.Storage().List(ctx, &storage.ListRequest{Call: call, Limit: 1, Wrote: true})
				return refused(err, fault.Unsupported, "field wrote of the call List")
			}},
		{"older", "no RPC Import, no feature import", "the host offers no import, and makes no call",
			func(ctx context.Context, _ *host, i *Instance) error {
				if i.Importer() != nil || i.Renewer() != nil || i.Migrator() != nil || i.Backuper() != nil {
					return errors.New("the host takes a feature for granted")
				}
				_, err := importCaller{i}.Import(ctx, &storage.ImportRequest{Call: call, Turns: []storage.Turn{{Sequence: 1, State: storage.Failed}}})
				return refused(err, fault.Unsupported, `lacks the feature "import"`, "the call Import")
			}},
		{"older", "an RPC that the plugin does not implement", "unsupported",
			func(ctx context.Context, _ *host, i *Instance) error {
				_, err := i.Storage().Delete(ctx, storage.Scope{Call: call})
				return refused(err, fault.Unsupported)
			}},
		{"older", "no service TenantStoreService", "it is no registry of tenants",
			func(ctx context.Context, h *host, i *Instance) error {
				serves, err := h.HasService(ctx, storage.Kind, "older", TenantStoreService)
				if err != nil || serves || i.TenantStore() != nil {
					return errors.Join(errors.New("the host takes the service for granted"), err)
				}
				return nil
			}},
		{"older", "no field egress, no feature egress", "a configuration with a policy is not sent",
			func(ctx context.Context, h *host, _ *Instance) error {
				policy, err := egress.New(egress.None, nil)
				if err != nil {
					return err
				}
				_, err = h.Open(ctx, Spec{Kind: storage.Kind, Name: "older", Tenant: "t", Config: []byte(`{"a": 1}`), Egress: policy})
				return refused(err, fault.Invalid, `storage plugin older`, `lacks the feature "egress"`)
			}},
		{"newer", "a service of a later version beside the one of today", "the host calls the one of today",
			func(ctx context.Context, h *host, i *Instance) error {
				if st := h.row("newer"); !slices.Equal(st.UnknownServices, []string{"botyard.storage.v2.StorageService"}) {
					return errors.New("unknown services: " + strings.Join(st.UnknownServices, " "))
				}
				_, err := i.Storage().Commit(ctx, &storage.CommitRequest{Call: call, Fence: "f", State: storage.Succeeded})
				return err
			}},
		{"newer", "a further feature", "ignored, and shown",
			func(_ context.Context, h *host, i *Instance) error {
				if st := h.row("newer"); !slices.Equal(st.UnknownFeatures, []string{"telepathy"}) || !i.KnowsOwners() {
					return errors.New("unknown features: " + strings.Join(st.UnknownFeatures, " "))
				}
				return nil
			}},
		{"newer", "a further field of a response", "ignored",
			func(ctx context.Context, _ *host, i *Instance) error {
				begun, err := i.Storage().Begin(ctx, begin(true, "c"))
				if err != nil || begun.Started == nil || begun.Started.Fence != "f" {
					return errors.Join(errors.New("not begun"), err)
				}
				return nil
			}},
		{"newer", "a further outcome of Begin", "the call fails, and the plugin is at fault",
			func(ctx context.Context, _ *host, i *Instance) error {
				_, err := i.Storage().Begin(ctx, begin(false, "later"))
				return refused(err, fault.Internal)
			}},
		{"newer", "a further value of an enum", "kept as a number, and shown as unknown",
			func(ctx context.Context, _ *host, i *Instance) error {
				page, err := i.Storage().Read(ctx, &storage.ReadRequest{Call: call, Limit: 1, All: true})
				if err != nil || len(page.Turns) != 1 || page.Turns[0].State != 1000 || page.Turns[0].State.String() != "unknown" {
					return errors.Join(errors.New("no such turn"), err)
				}
				return nil
			}},
	})
}
