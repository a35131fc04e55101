package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func tenants(all []storage.Registration) []string {
	out := []string{}
	for _, r := range all {
		out = append(out, r.Tenant)
	}
	return out
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func checkTenantDocument(ctx context.Context, env *Env) error {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, document := range [][]byte{
		nil, {}, {0}, every, []byte("{\"a\": \"\\u0000\"}"), []byte("\xff\xfe not UTF-8 \xc3"), []byte(" {\"b\": 1,  \"a\": 2}\n"),
		bytes.Repeat(every, 1<<12), // 1 MiB
	} {
		t := env.registered(fmt.Sprint(i))
		reg, err := t.put(ctx, 0, func(r *storage.PutTenantRequest) {
			r.Document, r.Note = document, "Zażółć \U0001F469\u200D\U0001F680 '; -- \"\\%_"
		})
		if err != nil {
			return err
		}
		want := storage.Registration{Tenant: t.id, Version: 1, Position: reg.Position, State: storage.TenantActive,
			Incarnation: t.id + "-incarnation", Document: document, Note: "Zażółć \U0001F469\u200D\U0001F680 '; -- \"\\%_",
			Attempt: reg.Attempt, CreatedAt: reg.CreatedAt}
		if err := sameRegistration("what put answered", *reg, want); err != nil {
			return err
		}
		if err := t.answers(ctx, want); err != nil {
			return err
		}
	}
	alike := []string{"x", "X", "x ", " x", "e\u0301", "\u00e9", "x%", "x_", `x\`, "x/y", "\U0001F600", strings.Repeat("x", 200)}
	for _, id := range alike {
		if _, err := env.registered(id).put(ctx, 0, func(r *storage.PutTenantRequest) { r.Note = id }); err != nil {
			return err
		}
	}
	for _, id := range alike {
		reg, err := registered{env: env, id: env.id(id)}.newest(ctx)
		if err != nil || reg == nil || reg.Note != id {
			return fmt.Errorf("id %+q shares its registration with another: %+v, error %v", id, reg, err)
		}
	}
	for i, set := range []func(*storage.PutTenantRequest){
		func(r *storage.PutTenantRequest) { r.Note = "a\x00b" },
		func(r *storage.PutTenantRequest) { r.Incarnation = "a\x00b" },
	} {
		t := env.registered(fmt.Sprintf("nul-%d", i))
		reg, err := t.put(ctx, 0, set)
		if err != nil && !fault.Is(err, fault.Invalid) {
			return fmt.Errorf("NUL in a note or incarnation: %w; want it stored, or %s", err, fault.Invalid)
		}
		if err == nil && reg.Note != "a\x00b" && reg.Incarnation != "a\x00b" {
			return fmt.Errorf("a note or incarnation with NUL was stored as %q, %q", reg.Note, reg.Incarnation)
		}
	}
	return nil
}

func checkTenantBounds(ctx context.Context, env *Env) error {
	r, err := env.tenantStore(0)
	if err != nil {
		return err
	}
	t := env.registered("t")
	if _, err := t.put(ctx, 0); err != nil {
		return err
	}
	head, err := env.head(ctx, 0)
	if err != nil {
		return err
	}
	var wrong []error
	invalid := func(what string, err error) {
		wrong = append(wrong, refused(what, fault.Invalid, err))
	}
	for what, set := range map[string]func(*storage.PutTenantRequest){
		"no tenant":          func(r *storage.PutTenantRequest) { r.Tenant = "" },
		"no attempt":         func(r *storage.PutTenantRequest) { r.Attempt = "" },
		"no state":           func(r *storage.PutTenantRequest) { r.State = 0 },
		"an unknown state":   func(r *storage.PutTenantRequest) { r.State = storage.TenantFromFile + 1 },
		"a negative version": func(r *storage.PutTenantRequest) { r.IfVersion = -1 },
	} {
		req := t.request(1)
		set(req)
		_, err := r.PutTenant(ctx, req)
		invalid("put with "+what, err)
	}
	for _, limit := range []int{-1, storage.MaxPage + 1, 0} {
		what := fmt.Sprintf(" with limit %d", limit)
		_, err := r.ListTenants(ctx, "", limit)
		invalid("list"+what, err)
		_, err = r.TenantHistory(ctx, t.id, 0, limit)
		invalid("history"+what, err)
		if limit != 0 {
			_, err = r.TenantChanges(ctx, 0, limit)
			invalid("changes"+what, err)
		}
	}
	_, err = r.TenantHistory(ctx, "", 0, 1)
	invalid("history of no tenant", err)
	_, err = r.TenantHistory(ctx, t.id, -1, 1)
	invalid("history before -1", err)
	_, err = r.TenantChanges(ctx, -1, 1)
	invalid("changes after -1", err)
	_, err = r.GetTenants(ctx, make([]string, storage.MaxPage+1))
	invalid(fmt.Sprintf("get of %d tenants", storage.MaxPage+1), err)

	told, _, err := env.changes(ctx, 0, head, 10)
	if _, ours := told[t.id]; ours || err != nil {
		wrong = append(wrong, fmt.Errorf("a refused put changed the tenant; error %v", err))
	}
	return errors.Join(wrong...)
}
