package api

import (
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestCache(t *testing.T) {
	s := serve(t, Options{})
	var cache Cache
	if s.get("/admin/v1/cache", &cache); cache.Cached == nil || len(cache.Cached) != 0 {
		t.Errorf("%+v", cache)
	}
	for _, id := range []string{"a", "b", "c"} {
		s.register(id, nil)
		s.chat(id, "c", "m")
	}
	s.chat("a", "c", "m")
	s.get("/admin/v1/cache", &cache)
	if len(cache.Cached) != 3 || cache.Cached[2].Tenant != "a" || cache.Cached[0].Revision == "" || cache.Cached[0].ExpiresAt == nil {
		t.Errorf("%+v", cache)
	}
	var one CachedBot
	if s.get("/admin/v1/cache/b", &one); one.Tenant != "b" {
		t.Errorf("%+v", one)
	}
	s.call("DELETE", "/admin/v1/cache/b", nil, "", 204, nil)
	s.refuse(refusal{"", "GET", "/admin/v1/cache/b", nil, "", 404, fault.NotFound, "", "cached"})
	s.refuse(refusal{"", "DELETE", "/admin/v1/cache/b", nil, "", 404, fault.NotFound, "", "cached"})
	s.refuse(refusal{"", "DELETE", "/admin/v1/cache/a%2fb", nil, "", 400, fault.Invalid, "id", ""})
	if s.chat("b", "c", "m").Bot.Cached {
		t.Error("the evicted bot is still cached")
	}
	var removed struct{ Removed int }
	if s.call("DELETE", "/admin/v1/cache", nil, "", 200, &removed); removed.Removed != 3 {
		t.Errorf("%+v", removed)
	}
	if s.chat("a", "c", "m").Bot.Cached {
		t.Error("a bot is still cached after the cache was cleared")
	}
}
