package memstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// BenchmarkTurn measures a Begin and a Commit in Stores of increasing size.
func BenchmarkTurn(b *testing.B) {
	for _, size := range []struct{ tenants, turns int }{{1, 10}, {1, 10_000}, {10_000, 1}} {
		b.Run(fmt.Sprintf("tenants=%d/turns=%d", size.tenants, size.turns), func(b *testing.B) {
			s := New(Config{})
			turn := func(tenant int) {
				c := sdk.Call{Tenant: fmt.Sprint(tenant), Conversation: "c", User: "u"}
				res, err := s.Begin(b.Context(), &storage.BeginRequest{Call: c, Tail: 20, Holder: "h", Lease: time.Hour,
					Messages: storage.EncodeMessages(chat.Text(chat.User, "hi"))})
				if err != nil {
					b.Fatal(err)
				}
				_, err = s.Commit(b.Context(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence,
					State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hello"))})
				if err != nil {
					b.Fatal(err)
				}
			}
			for tenant := range size.tenants {
				for range size.turns {
					turn(tenant)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				turn(0)
			}
		})
	}
}
