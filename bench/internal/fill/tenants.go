package fill

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// PostgresTenants registers the tenants id(first) to id(last) with SQL. The tenants are copies of id(0),
// in whose document the new id replaces id(0).
func PostgresTenants(ctx context.Context, p *pgxpool.Pool, id func(int) string, first, last int) error {
	ids := make([]string, 0, last-first+1)
	for i := first; i <= last; i++ {
		ids = append(ids, id(i))
	}
	return pgx.BeginFunc(ctx, p, func(tx pgx.Tx) error {
		for _, sql := range []string{
			`with head as (select position from botyard.registry for update),
				model as (select n.* from botyard.tenants join botyard.registrations as n using (tenant, version) where tenant = $2)
			insert into botyard.registrations
				select i.id, 1, head.position + i.n, state, gen_random_uuid()::text,
					convert_to(replace(convert_from(document, 'UTF8'), $2, i.id), 'UTF8'), note, gen_random_uuid()::text, clock_timestamp()
				from head, model, unnest($1::text[]) with ordinality as i (id, n)`,
			`insert into botyard.tenants select tenant, version, position from botyard.registrations
				where tenant = any($1) and $2 <> ''`,
			`update botyard.registry set position = (select max(position) from botyard.tenants)
				where $1::text[] is not null and $2 <> ''`,
		} {
			if _, err := tx.Exec(ctx, sql, ids, id(0)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Tenants registers the tenants id(first) to id(last) over the interface of the storage. The tenants are
// copies of id(0), in whose document the new id replaces id(0).
func Tenants(ctx context.Context, r storage.TenantStore, id func(int) string, first, last int) error {
	model, err := r.GetTenants(ctx, []string{id(0)})
	if err != nil {
		return err
	}
	if len(model) != 1 {
		return fmt.Errorf("%s is not registered", id(0))
	}
	var next atomic.Int64
	next.Store(int64(first))
	errs := make([]error, 64) // an error for each of 64 goroutines; the storage commits concurrent puts together, which is faster
	var all sync.WaitGroup
	for c := range errs {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i <= last && errs[c] == nil; i = int(next.Add(1)) - 1 {
				_, errs[c] = r.PutTenant(ctx, &storage.PutTenantRequest{
					Tenant: id(i), State: model[0].State, Incarnation: rand.Text(), Note: model[0].Note, Attempt: rand.Text(),
					Document: bytes.ReplaceAll(model[0].Document, []byte(id(0)), []byte(id(i))),
				})
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
