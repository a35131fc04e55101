package storage

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

func TestValidate(t *testing.T) {
	call := sdk.Call{Tenant: "t", Conversation: "c", User: "u"}
	begin := func(set func(*BeginRequest)) interface{ ValidateText() error } {
		r := &BeginRequest{Call: call, Messages: EncodeMessages(chat.Text(chat.User, "hi")), Holder: "h", Lease: time.Second}
		set(r)
		return r
	}
	commit := func(set func(*CommitRequest)) interface{ ValidateText() error } {
		r := &CommitRequest{Call: call, State: Succeeded, Messages: EncodeMessages(chat.Text(chat.Assistant, "hi"))}
		set(r)
		return r
	}
	turns := func(set func([]Turn)) interface{ ValidateText() error } {
		r := &ImportRequest{Call: call, Turns: []Turn{
			{Sequence: 3, Number: 2, State: Succeeded}, {Sequence: 4, State: Failed}, {Sequence: 5, Number: 3, State: Succeeded}}}
		set(r.Turns)
		return r
	}
	put := func(set func(*PutTenantRequest)) interface{ ValidateText() error } {
		r := &PutTenantRequest{Tenant: "t", Attempt: "a", State: TenantActive}
		set(r)
		return r
	}
	const bad = "a\x00b"
	for _, c := range []struct {
		req   interface{ ValidateText() error }
		field string // the invalid field; empty if the request is valid
	}{
		{begin(func(*BeginRequest) {}), ""},
		{begin(func(r *BeginRequest) { r.Tail = -1 }), "tail"},
		{begin(func(r *BeginRequest) { r.Messages = nil }), "messages"},
		{begin(func(r *BeginRequest) { r.Messages = make([]Message, sdk.MaxBeginMessages) }), ""},
		{begin(func(r *BeginRequest) { r.Messages = make([]Message, sdk.MaxBeginMessages+1) }), "messages"},
		{begin(func(r *BeginRequest) { r.RetractFrom = -1 }), "retract_from"},
		{begin(func(r *BeginRequest) { r.CursorKey = strings.Repeat("k", sdk.MaxStoreKeyBytes+1) }), "cursor_key"},
		{begin(func(r *BeginRequest) { r.CursorKey = bad }), "cursor_key"},
		{begin(func(r *BeginRequest) { r.Holder = "" }), "holder"},
		{begin(func(r *BeginRequest) { r.Lease = 0 }), "lease"},
		{begin(func(r *BeginRequest) { r.Call.Conversation = "" }), "conversation"},
		{begin(func(r *BeginRequest) { r.Call.Tenant = "" }), "tenant"},
		{begin(func(r *BeginRequest) { r.Call.User = bad }), "user"},
		{begin(func(r *BeginRequest) { r.Call.Incarnation = bad }), "incarnation"},
		{begin(func(r *BeginRequest) { r.Key = bad }), "key"},
		{begin(func(r *BeginRequest) { r.Attempt = "\xff" }), "attempt"},
		{begin(func(r *BeginRequest) { r.Metadata = []byte(bad) }), "metadata"},
		{begin(func(r *BeginRequest) { r.Messages[0].Text = bad }), "messages.text"},
		{begin(func(r *BeginRequest) { r.Messages[0].Text = "\xff" }), "messages.text"},
		{begin(func(r *BeginRequest) { r.Messages[0].Body = []byte(bad + "\xff") }), ""},
		{commit(func(*CommitRequest) {}), ""},
		{commit(func(r *CommitRequest) { r.State, r.Messages = Failed, nil }), ""},
		{commit(func(r *CommitRequest) { r.Messages = nil }), "messages"},
		{commit(func(r *CommitRequest) { r.State = Running }), "state"},
		{commit(func(r *CommitRequest) { r.State = 9 }), "state"},
		{commit(func(r *CommitRequest) { r.Reason = bad }), "reason"},
		{commit(func(r *CommitRequest) { r.Record = []byte("\xff") }), "record"},
		{commit(func(r *CommitRequest) { r.Usage = []byte("\xff") }), "usage"},
		{commit(func(r *CommitRequest) { r.Messages[0].Text = bad }), "messages.text"},
		{&ReadRequest{Call: call, Limit: MaxPage}, ""},
		{&ReadRequest{Call: call, Limit: 0}, "limit"},
		{&ReadRequest{Call: call, Limit: 1, After: -1}, "after"},
		{&ReadRequest{Call: sdk.Call{Tenant: "t"}, Limit: 1}, "conversation"},
		{&ListRequest{Call: sdk.Call{Tenant: "t"}, Limit: 1}, ""},
		{&ListRequest{Call: sdk.Call{Tenant: "t"}, Limit: MaxPage + 1}, "limit"},
		{&ListRequest{Limit: 1}, "tenant"},
		{&ListRequest{Call: call, Limit: 1, After: bad}, "after"},
		{Scope{Call: call}, ""},
		{Scope{Call: sdk.Call{Tenant: "t"}, Tenant: true}, ""},
		{Scope{Call: sdk.Call{Tenant: "t"}}, "tenant"},
		{Scope{Call: call, Limit: -1}, "limit"},
		{turns(func([]Turn) {}), ""},
		{turns(func(t []Turn) { t[0].Sequence = 0 }), "turns"},
		{turns(func(t []Turn) { t[1].Sequence = 5 }), "turns"},
		{turns(func(t []Turn) { t[1].State = Running }), "turns"},
		{turns(func(t []Turn) { t[1].Number = 3 }), "turns"},
		{turns(func(t []Turn) { t[0].Number = 0 }), "turns"},
		{turns(func(t []Turn) { t[2].Number = 4 }), "turns"},
		{turns(func(t []Turn) { t[1].Reason = bad }), "turns.1.reason"},
		{turns(func(t []Turn) { t[2].Messages = []Message{{Text: bad}} }), "turns.2.messages.text"},
		{put(func(*PutTenantRequest) {}), ""},
		{put(func(r *PutTenantRequest) { r.Tenant = "" }), "tenant"},
		{put(func(r *PutTenantRequest) { r.Attempt = "" }), "attempt"},
		{put(func(r *PutTenantRequest) { r.IfVersion = -1 }), "if_version"},
		{put(func(r *PutTenantRequest) { r.State = 0 }), "state"},
		{put(func(r *PutTenantRequest) { r.State = TenantFromFile + 1 }), "state"},
		{put(func(r *PutTenantRequest) { r.Note = bad }), "note"},
	} {
		t.Run(fmt.Sprintf("%T %s", c.req, cmp.Or(c.field, "valid")), func(t *testing.T) {
			err := c.req.ValidateText()
			if c.field == "" {
				if err != nil {
					t.Errorf("%+v: %v", c.req, err)
				}
				return
			}
			if !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != c.field {
				t.Errorf("%+v: %v; want %s to be invalid", c.req, err, c.field)
			} else if strings.Contains(err.Error(), "\x00") {
				t.Errorf("the error contains the invalid text: %q", err)
			}
		})
	}
}
