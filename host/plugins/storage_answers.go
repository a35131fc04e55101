package plugins

import (
	"slices"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// refuse returns the error for what is wrong with an answer of the storage, or nil if what is
// empty. The host refuses an answer that is visibly about somebody or something else than it
// asked for. The error has no id of the answer, because that may be another tenant's. What an
// answer does not say, the host cannot see: the messages of a turn do not say whose they
// are. The conformance kit of storages checks that.
func (i *Instance) refuse(what string) error {
	if what == "" {
		return nil
	}
	return fault.New(fault.Internal, "the %s returned %s", i.sup.ref, what).By(fault.PartyPlugin)
}

// wrongBegin says what is wrong with the result of a Begin. An earlier turn and a key that
// is in use are only for a request with that key.
func wrongBegin(req *storage.BeginRequest, r *storage.BeginResult) string {
	switch t := r.Replay; {
	case t != nil && (req.Key == "" || t.Key != "" && t.Key != req.Key):
		return "the turn of another key"
	case t != nil && t.State != storage.Succeeded:
		return "a turn that did not succeed for a repeated request"
	case req.Key == "" && (r.KeyReused || r.Busy != nil && r.Busy.SameKey):
		return "the use of a key that the request does not have"
	case r.Started != nil && (r.Started.Sequence < 1 || r.Started.Fence == ""):
		return "a turn without a sequence or a fence"
	case r.Started != nil && slices.ContainsFunc(r.Started.Tail, func(t storage.Turn) bool { return t.Sequence >= r.Started.Sequence }):
		return "earlier turns that are not earlier"
	}
	return ""
}

// wrongTurns says what is wrong with a page of turns.
func wrongTurns(req *storage.ReadRequest, page *storage.TurnPage) string {
	if len(page.Turns) > req.Limit {
		return "more turns than it was asked for"
	}
	after := req.After
	for _, t := range page.Turns {
		switch {
		case t.Sequence <= after:
			return "turns that do not follow those before"
		case !req.All && (t.State != storage.Succeeded || t.Retracted):
			return "turns that did not succeed or are retracted, for which it was not asked"
		}
		after = t.Sequence
	}
	return ""
}

// wrongConversations says what is wrong with a page of conversations.
func wrongConversations(req *storage.ListRequest, page *storage.ConversationPage) string {
	if len(page.Conversations) > req.Limit {
		return "more conversations than it was asked for"
	}
	after := req.After
	for _, c := range page.Conversations {
		switch {
		case c.ID <= after:
			return "conversations that do not follow those before"
		case req.Call.User != "" && !req.Wrote && c.User != req.Call.User:
			return "a conversation of another user"
		}
		after = c.ID
	}
	return ""
}

// wrongRegistration says what is wrong with the stored version of a tenant.
func wrongRegistration(req *storage.PutTenantRequest, r *storage.Registration) string {
	if r.Tenant != req.Tenant {
		return "the registration of another tenant"
	}
	return ""
}

// wrongRegistrations says what is wrong with the registrations of the tenants with the ids.
func wrongRegistrations(ids []string, all []storage.Registration) string {
	asked := map[string]bool{}
	for _, id := range ids {
		asked[id] = true
	}
	for _, r := range all {
		if !asked[r.Tenant] {
			return "the registration of another tenant, or one twice"
		}
		asked[r.Tenant] = false
	}
	return ""
}

// wrongTenants says what is wrong with a page of tenants whose ids come after the id after.
func wrongTenants(after string, limit int, page *storage.RegistrationPage) string {
	if len(page.Registrations) > limit {
		return "more tenants than it was asked for"
	}
	for _, r := range page.Registrations {
		if r.Tenant <= after {
			return "tenants that do not follow those before"
		}
		after = r.Tenant
	}
	return ""
}

// wrongHistory says what is wrong with a page of the versions of the tenant.
func wrongHistory(tenant string, limit int, page *storage.RegistrationPage) string {
	if len(page.Registrations) > limit {
		return "more versions than it was asked for"
	}
	if slices.ContainsFunc(page.Registrations, func(r storage.Registration) bool { return r.Tenant != tenant }) {
		return "a version of another tenant"
	}
	return ""
}

// wrongChanges says what is wrong with a page of changes after a position.
func wrongChanges(after int64, limit int, page *storage.TenantChangePage) string {
	if len(page.Changes) > limit {
		return "more changes than it was asked for"
	}
	for _, c := range page.Changes {
		if c.Position <= after {
			return "changes that do not follow those before"
		}
		after = c.Position
	}
	return ""
}
