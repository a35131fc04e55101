package archive

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestParseReceipt checks a receipt of an earlier version, which wrote "life" instead of
// "incarnation".
func TestParseReceipt(t *testing.T) {
	const earlier = `{"tenant":"a","life":"L2","begun_at":"2026-11-01T00:00:00Z","done_at":null,"conversations":3,"turns":5,
		"storages":[{"storage":"s","digest":"d","life":"L1","conversations":1,"turns":2},{"storage":"s","digest":"d","life":"L2","conversations":2,"turns":3}],"versions":0}`
	r, err := parseReceipt(json.RawMessage(earlier))
	if err != nil {
		t.Fatal(err)
	}
	if r.Incarnation != "L2" || r.Storages[0].Incarnation != "L1" || r.Storages[1].Incarnation != "L2" || r.Turns != 5 {
		t.Errorf("%+v", r)
	}
	if again, err := parseReceipt(r.json()); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("as this build writes it: %+v, %v", again, err)
	}
}
