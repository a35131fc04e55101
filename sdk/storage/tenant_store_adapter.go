package storage

import (
	"context"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/instances"
	"github.com/botyard/botyard/sdk/internal/wire"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/grpc"
)

// TenantStoreClient calls a tenant store in a plugin process. Any number of goroutines may use it.
type TenantStoreClient struct {
	rpc  storagev1.TenantStoreServiceClient
	call *chatv1.CallContext
}

var (
	_ TenantStore   = (*TenantStoreClient)(nil)
	_ TenantWatcher = (*TenantStoreClient)(nil)
)

// NewTenantStoreClient returns a client of the instance. The caller closes conn.
func NewTenantStoreClient(conn grpc.ClientConnInterface, instance string) *TenantStoreClient {
	return &TenantStoreClient{rpc: storagev1.NewTenantStoreServiceClient(conn), call: &chatv1.CallContext{Instance: instance}}
}

// PutTenant implements TenantStore.
func (c *TenantStoreClient) PutTenant(ctx context.Context, req *PutTenantRequest) (*Registration, error) {
	resp, err := c.rpc.PutTenant(ctx, &storagev1.PutTenantRequest{
		Call: c.call, Tenant: req.Tenant, IfVersion: req.IfVersion, State: storagev1.TenantState(req.State),
		Incarnation: req.Incarnation, Document: req.Document, Note: req.Note, Attempt: req.Attempt, EraseHistory: req.EraseHistory,
	})
	if err != nil {
		return nil, fault.Of(err)
	}
	r := registrationFromProto(resp.Registration)
	return &r, nil
}

// GetTenants implements TenantStore.
func (c *TenantStoreClient) GetTenants(ctx context.Context, ids []string) ([]Registration, error) {
	if err := ValidateIDs(ids); err != nil {
		return nil, err
	}
	var all []Registration
	for some := range slices.Chunk(ids, getAtOnce) {
		resp, err := c.rpc.GetTenants(ctx, &storagev1.GetTenantsRequest{Call: c.call, Tenants: some})
		if err != nil {
			return nil, fault.Of(err)
		}
		all = append(all, registrationsFromProto(resp.Registrations)...)
	}
	return all, nil
}

// getAtOnce is how many tenants one call of GetTenants asks for. The largest registrations of so
// many tenants fit into one gRPC message.
const getAtOnce = sdk.MaxMessageBytes/sdk.MaxDocumentBytes - 1

// ListTenants implements TenantStore.
func (c *TenantStoreClient) ListTenants(ctx context.Context, after string, limit int) (*RegistrationPage, error) {
	resp, err := c.rpc.ListTenants(ctx, &storagev1.ListTenantsRequest{Call: c.call, After: after, Limit: int32(limit)})
	if err != nil {
		return nil, fault.Of(err)
	}
	return &RegistrationPage{Registrations: registrationsFromProto(resp.Registrations), More: resp.More}, nil
}

// TenantHistory implements TenantStore.
func (c *TenantStoreClient) TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*RegistrationPage, error) {
	resp, err := c.rpc.TenantHistory(ctx, &storagev1.TenantHistoryRequest{Call: c.call, Tenant: tenant, Before: before, Limit: int32(limit)})
	if err != nil {
		return nil, fault.Of(err)
	}
	return &RegistrationPage{Registrations: registrationsFromProto(resp.Registrations), More: resp.More}, nil
}

// TenantChanges implements TenantStore.
func (c *TenantStoreClient) TenantChanges(ctx context.Context, after int64, limit int) (*TenantChangePage, error) {
	resp, err := c.rpc.TenantChanges(ctx, &storagev1.TenantChangesRequest{Call: c.call, After: after, Limit: int32(limit)})
	if err != nil {
		return nil, fault.Of(err)
	}
	page := &TenantChangePage{More: resp.More, Head: resp.Head}
	for _, p := range resp.Changes {
		page.Changes = append(page.Changes, TenantChange{Position: p.Position, Tenant: p.Tenant, Version: p.Version})
	}
	return page, nil
}

// WatchTenants implements TenantWatcher.
func (c *TenantStoreClient) WatchTenants(ctx context.Context, changed func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.rpc.WatchTenants(ctx, &storagev1.WatchTenantsRequest{Call: c.call})
	if err != nil {
		return fault.Of(err)
	}
	for {
		if _, err := stream.Recv(); err != nil {
			return fault.Of(err)
		}
		if err := changed(); err != nil {
			return err
		}
	}
}

// tenantStoreServer serves the instances of a plugin as TenantStoreService.
type tenantStoreServer struct {
	storagev1.UnimplementedTenantStoreServiceServer
	set *instances.Set[Storage]
}

// get returns the instance as a T, and a function that the caller calls after using the instance.
// If the instance does not implement T, get returns fault.Unsupported with a message that starts with
// "this storage" and ends with what.
func get[T any](set *instances.Set[Storage], call *chatv1.CallContext, what string) (v T, done func(), err error) {
	s, done, err := set.Get(call.GetInstance())
	if err != nil {
		return v, nil, err
	}
	v, ok := s.(T)
	if !ok {
		done()
		return v, nil, fault.New(fault.Unsupported, "this storage %s", what)
	}
	return v, done, nil
}

const keepsNoTenants = "keeps no tenants"

func (s *tenantStoreServer) PutTenant(ctx context.Context, req *storagev1.PutTenantRequest) (*storagev1.PutTenantResponse, error) {
	v, done, err := get[TenantStore](s.set, req.GetCall(), keepsNoTenants)
	if err != nil {
		return nil, err
	}
	defer done()
	r, err := v.PutTenant(ctx, &PutTenantRequest{
		Tenant: req.Tenant, IfVersion: req.IfVersion, State: TenantState(req.State), Incarnation: req.Incarnation,
		Document: req.Document, Note: req.Note, Attempt: req.Attempt, EraseHistory: req.EraseHistory,
	})
	if err != nil {
		return nil, err
	}
	return &storagev1.PutTenantResponse{Registration: registrationToProto(*r)}, nil
}

func (s *tenantStoreServer) GetTenants(ctx context.Context, req *storagev1.GetTenantsRequest) (*storagev1.GetTenantsResponse, error) {
	v, done, err := get[TenantStore](s.set, req.GetCall(), keepsNoTenants)
	if err != nil {
		return nil, err
	}
	defer done()
	all, err := v.GetTenants(ctx, req.Tenants)
	if err != nil {
		return nil, err
	}
	return &storagev1.GetTenantsResponse{Registrations: registrationsToProto(all)}, nil
}

func (s *tenantStoreServer) ListTenants(ctx context.Context, req *storagev1.ListTenantsRequest) (*storagev1.ListTenantsResponse, error) {
	v, done, err := get[TenantStore](s.set, req.GetCall(), keepsNoTenants)
	if err != nil {
		return nil, err
	}
	defer done()
	page, err := v.ListTenants(ctx, req.After, int(req.Limit))
	if err != nil {
		return nil, err
	}
	fit := pageEnd(page.Registrations, Registration.Size)
	return &storagev1.ListTenantsResponse{
		Registrations: registrationsToProto(page.Registrations[:fit]), More: page.More || fit < len(page.Registrations)}, nil
}

func (s *tenantStoreServer) TenantHistory(ctx context.Context, req *storagev1.TenantHistoryRequest) (*storagev1.TenantHistoryResponse, error) {
	v, done, err := get[TenantStore](s.set, req.GetCall(), keepsNoTenants)
	if err != nil {
		return nil, err
	}
	defer done()
	page, err := v.TenantHistory(ctx, req.Tenant, req.Before, int(req.Limit))
	if err != nil {
		return nil, err
	}
	fit := pageEnd(page.Registrations, Registration.Size)
	return &storagev1.TenantHistoryResponse{
		Registrations: registrationsToProto(page.Registrations[:fit]), More: page.More || fit < len(page.Registrations)}, nil
}

func (s *tenantStoreServer) TenantChanges(ctx context.Context, req *storagev1.TenantChangesRequest) (*storagev1.TenantChangesResponse, error) {
	v, done, err := get[TenantStore](s.set, req.GetCall(), keepsNoTenants)
	if err != nil {
		return nil, err
	}
	defer done()
	page, err := v.TenantChanges(ctx, req.After, int(req.Limit))
	if err != nil {
		return nil, err
	}
	resp := &storagev1.TenantChangesResponse{More: page.More, Head: page.Head}
	for _, c := range page.Changes {
		resp.Changes = append(resp.Changes, &storagev1.TenantChange{Position: c.Position, Tenant: c.Tenant, Version: c.Version})
	}
	return resp, nil
}

func (s *tenantStoreServer) WatchTenants(req *storagev1.WatchTenantsRequest, stream storagev1.TenantStoreService_WatchTenantsServer) error {
	v, done, err := get[TenantWatcher](s.set, req.GetCall(), "notices no changes of tenants")
	if err != nil {
		return err
	}
	defer done()
	return v.WatchTenants(stream.Context(), func() error { return stream.Send(&storagev1.WatchTenantsResponse{}) })
}

func registrationToProto(r Registration) *storagev1.Registration {
	return &storagev1.Registration{
		Tenant: r.Tenant, Version: r.Version, Position: r.Position, State: storagev1.TenantState(r.State),
		Incarnation: r.Incarnation, Document: r.Document, Note: r.Note, Attempt: r.Attempt, CreatedAt: wire.Time(r.CreatedAt),
	}
}

func registrationFromProto(p *storagev1.Registration) Registration {
	return Registration{
		Tenant: p.GetTenant(), Version: p.GetVersion(), Position: p.GetPosition(), State: TenantState(p.GetState()),
		Incarnation: p.GetIncarnation(), Document: p.GetDocument(), Note: p.GetNote(), Attempt: p.GetAttempt(),
		CreatedAt: wire.TimeFrom(p.GetCreatedAt()),
	}
}

func registrationsToProto(all []Registration) []*storagev1.Registration {
	out := make([]*storagev1.Registration, len(all))
	for i, r := range all {
		out[i] = registrationToProto(r)
	}
	return out
}

func registrationsFromProto(all []*storagev1.Registration) []Registration {
	out := make([]Registration, len(all))
	for i, r := range all {
		out[i] = registrationFromProto(r)
	}
	return out
}
