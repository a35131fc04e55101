package bot

import "testing"

// TestTokenRatio checks that the estimates of a bot follow what its provider bills, within bounds.
func TestTokenRatio(t *testing.T) {
	var r tokenRatio
	if r.value() != 1 {
		t.Errorf("before any request it is %v", r.value())
	}
	r.observe(1000, minObserved-1)
	r.observe(0, 1000)
	if r.value() != 1 {
		t.Errorf("after requests that say nothing it is %v", r.value())
	}
	r.observe(2000, 1000)
	if r.value() != 2 {
		t.Errorf("after the first request it is %v", r.value())
	}
	for range 50 {
		r.observe(1<<40, 1000)
	}
	if r.value() > maxRatio || r.value() < maxRatio-0.01 {
		t.Errorf("after absurd bills it is %v", r.value())
	}
	for range 50 {
		r.observe(1, 1000)
	}
	if r.value() < minRatio || r.value() > minRatio+0.01 {
		t.Errorf("after absurdly small bills it is %v", r.value())
	}

	s, m := &logStorage{history: conversation(5)}, &sized{tokens: 600, bills: 2}
	b := bounded(s, m)
	for range 2 {
		if _, err := b.Chat(t.Context(), hi, nil); err != nil {
			t.Fatal(err)
		}
	}
	if first, second := beginnings(m.seen[0]), beginnings(m.seen[1]); first != "q03 a03 q04 a04 hi" || second != "q04 a04 hi ok hi" {
		t.Errorf("the first request had %q, and the second, after a bill of twice the estimate, %q", first, second)
	}
	if r := keptRecord(t, s); r.Context.Ratio < 1.5 {
		t.Errorf("the record says %+v", r.Context)
	}
}
