package pgstore

import (
	"fmt"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// TestClaim_dropsStoreKeys claims with more store keys than a tenant may have. It checks that the cursors
// of the least recently claimed one are deleted in steps, that nothing of it is left, and that every
// conversation has a cursor of each store key that is left.
//
// beyond: store keys of a tenant
func TestClaim_dropsStoreKeys(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	db := connect(t, c.DSN(name))
	const conversations = 1100 // more than one step
	turn(t, s, call("t", "c"))
	if _, err := db.Exec(t.Context(), `insert into botyard.conversations (tenant, life, id, user_id, last_seq, last_number, created, updated)
		select 't', '', 'c' || n, 'u', 1, 1, now(), now() from generate_series(2, $1) as n`, conversations); err != nil {
		t.Fatal(err)
	}
	key := func(i int) func(*storage.ClaimRequest) {
		return func(r *storage.ClaimRequest) { r.StoreKey = fmt.Sprint("key ", i) }
	}
	give := func(i int, k storage.Claimed) {
		t.Helper()
		advanced(t, s, k, 1, func(r *storage.AdvanceRequest) { r.StoreKey = fmt.Sprint("key ", i) })
	}
	one := func(r *storage.ClaimRequest) { r.Limit = 1 }
	for claimed := 0; claimed < conversations; {
		for _, k := range claim(t, s, "t", key(0)).Claimed {
			give(0, k)
			claimed++
		}
	}
	if _, err := s.Delete(t.Context(), storage.Scope{Call: call("t", "c2")}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < sdk.MaxStoreKeys; i++ {
		give(i, claim(t, s, "t", key(i), one).Claimed[0])
	}
	count := func(sql string) int64 { return column[int64](t, db, `select count(*) from botyard.`+sql)[0] }
	if n, of := count("forgets"), count("cursors where store_key = 'key 0'"); n != 1 || of != conversations {
		t.Fatalf("%d are to be forgotten, and %d cursors are of the first store key", n, of)
	}

	steps := 0
	for again := true; again; steps++ {
		before := count("cursors where store_key = 'key 0'")
		row := db.QueryRow(t.Context(), `select botyard.know_1('', 'new', 'all', $1) = 'again' from (select set_config('botyard.tenant', 't', false)) as t`, sdk.MaxStoreKeys)
		if err := row.Scan(&again); err != nil {
			t.Fatal(err)
		}
		if gone := before - count("cursors where store_key = 'key 0'"); gone > 1000 {
			t.Errorf("a step deletes %d cursors", gone)
		}
	}
	if steps < 5 { // two for cursors, one for what is to be forgotten, one for the store key, and the new one
		t.Errorf("the cursors were dropped in %d steps", steps)
	}
	if n := count("cursors where store_key = 'key 0'") + count("forgets where store_key = 'key 0'"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	got := claim(t, s, "t", func(r *storage.ClaimRequest) { r.StoreKey = "new" })
	if wantIDs(t, "the new store key", got, "-"); got.More {
		t.Errorf("%+v", got)
	}
	advanced(t, s, got.Claimed[0], 0, func(r *storage.AdvanceRequest) { r.StoreKey = "new" })
	for total := 0; total < conversations-1; {
		got := claim(t, s, "t", func(r *storage.ClaimRequest) { r.StoreKey = "new" })
		if len(got.Claimed) == 0 {
			t.Fatalf("%d conversations are behind the new store key", total)
		}
		for _, k := range got.Claimed {
			advanced(t, s, k, 1, func(r *storage.AdvanceRequest) { r.StoreKey = "new" })
			total++
		}
	}
	// Many more store keys leave no more rows.
	for i := 100; i < 100+2*sdk.MaxStoreKeys; i++ {
		for _, k := range claim(t, s, "t", key(i), one).Claimed {
			advanced(t, s, k, 0, func(r *storage.AdvanceRequest) { r.StoreKey = fmt.Sprint("key ", i) })
		}
	}
	if keys, forgets := count("cursors where cid = 0"), count("forgets"); keys != sdk.MaxStoreKeys || forgets > sdk.MaxStoreKeys+1 {
		t.Errorf("%d store keys and %d rows of what is to be forgotten are left", keys, forgets)
	}
	if n := count("conversations as c where c.followers <> (select count(*) from botyard.cursors as k where k.cid = c.cid)"); n != 0 {
		t.Errorf("%d conversations have another number of cursors than they say", n)
	}
}
