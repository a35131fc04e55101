package main

import (
	"fmt"
	"testing"
	"time"
)

func TestTurnsRunOnWhatWasRegistered(t *testing.T) {
	reply := func(tenant, n int) string {
		return fmt.Sprintf(`You said: "x". My instructions: "%s". I was shown 1 earlier message, the first: "My instructions: "%s"".`, systemOf(tenant, n), systemOf(tenant, 0))
	}
	var r revisions
	for _, err := range []error{r.sight("one", reply(3, 7)), r.sight("one", reply(3, 7)), r.sight("two", reply(3, 8))} {
		if err != nil {
			t.Error(err)
		}
	}
	if r.sight("one", reply(3, 8)) == nil || r.sight("one", reply(4, 7)) == nil {
		t.Error("a revision that is two was not noticed")
	}
	if r.sight("three", "I have no instructions.") == nil {
		t.Error("a reply without instructions was not noticed")
	}
	r.register("one", 3, 7)
	if errs := r.check(); len(errs) != 1 {
		t.Errorf("a revision that was never registered: %v", errs)
	}
	r.register("two", 3, 9)
	if errs := r.check(); len(errs) != 1 {
		t.Errorf("a revision that was registered as another: %v", errs)
	}
	r.register("two", 3, 8)
	if errs := r.check(); len(errs) != 0 {
		t.Error(errs)
	}
}

func TestPhases(t *testing.T) {
	all := phases(10*time.Minute, 200)
	if len(all) != 2 || all[0].length+all[1].length != 10*time.Minute {
		t.Fatalf("%+v", all)
	}
	if first := all[0]; first.length != time.Minute || first.changes != 200 || first.kills || first.quick {
		t.Errorf("%+v", first)
	}
	if second := all[1]; !second.kills || !second.rude {
		t.Errorf("%+v", second)
	}
	if short := phases(time.Minute, 200); len(short) != 1 {
		t.Errorf("%+v", short)
	}
}
