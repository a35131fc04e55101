package budget

import (
	"sync"
	"testing"
	"time"
)

func TestShare_Take(t *testing.T) {
	b := New(100, 80)
	one, two, three := b.Share(), b.Share(), b.Share()
	for _, c := range []struct {
		s    *Share
		n    int64
		want bool
	}{
		{one, 81, false}, // more than one share may hold
		{one, 80, true},  // no other share holds bytes
		{one, 1, false},
		{two, 20, true}, // all bytes that are free
		{two, 1, false}, // no byte is free
		{three, 1, false},
	} {
		if got := c.s.Take(c.n, 0); got != c.want {
			t.Errorf("%d: %t, want %t; %d are used", c.n, got, c.want, b.Used())
		}
	}
	one.Give(80)
	two.Give(20)
	if b.Used() != 0 {
		t.Error(b.Used())
	}
	// When 50 shares take as many bytes as they get, another share still gets bytes.
	var greedy []*Share
	for range 50 {
		greedy = append(greedy, b.Share())
	}
	big := New(1000, 1000)
	for i := range greedy {
		greedy[i] = big.Share()
	}
	for taken := true; taken; {
		taken = false
		for _, s := range greedy {
			taken = s.Take(1, 0) || taken
		}
	}
	if free := 1000 - big.Used(); free < 10 || !big.Share().Take(free/2, 0) {
		t.Errorf("%d of 1000 are free beside 50", free)
	}
}

func TestShare_Take_waits(t *testing.T) {
	b := New(100, 100)
	one, two := b.Share(), b.Share()
	if !one.Take(100, 0) || two.Take(1, time.Millisecond) {
		t.Fatal("taken twice")
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if !two.Take(10, time.Minute) {
			t.Error("what was given back was not taken")
		}
	})
	one.Give(100)
	waiting.Wait()
}

func TestMeter(t *testing.T) {
	b := New(2<<20, 1<<20)
	m := NewMeter(b.Share(), 1000)
	if !m.Add(1000, 0) || b.Used() != 0 {
		t.Error("what is free was taken")
	}
	if !m.Add(1, 0) || b.Used() != step {
		t.Error(b.Used())
	}
	if m.Add(1<<20, 0) {
		t.Error("taken beyond each")
	}
	m.Reset()
	if b.Used() != 0 || m.Read() != 0 {
		t.Error(b.Used(), m.Read())
	}
}

func TestMeter_Shrink(t *testing.T) {
	b := New(4<<20, 4<<20)
	m := NewMeter(b.Share(), 1000)
	if !m.Add(1000+2*step+1, 0) {
		t.Fatal("there is room")
	}
	for _, c := range []struct{ to, used int64 }{{1000 + 2*step + 1, 2*step + 1}, {1000 + step + 1, 2 * step}, {1000 + step, step}, {1000, 0}} {
		if m.Shrink(c.to); b.Used() != c.used || m.Read() != c.to {
			t.Errorf("%d bytes are taken for %d; want %d", b.Used(), m.Read(), c.used)
		}
	}
	if !m.Add(1, 0) || b.Used() != step {
		t.Errorf("%d bytes are taken for one more", b.Used())
	}
	m.Reset()
	if b.Used() != 0 {
		t.Error(b.Used())
	}
}
