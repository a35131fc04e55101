package main

import (
	"fmt"
	"testing"
)

func TestRevisions_check(t *testing.T) {
	reply := func(tenant, n int) string {
		return fmt.Sprintf(`You said: "x". My instructions: "%s". I was shown 1 earlier message, the first: "My instructions: "%s"".`, systemPrompt(tenant, n), systemPrompt(tenant, 0))
	}
	var r revisions
	for _, err := range []error{r.observe("one", reply(3, 7)), r.observe("one", reply(3, 7)), r.observe("two", reply(3, 8))} {
		if err != nil {
			t.Error(err)
		}
	}
	if r.observe("one", reply(3, 8)) == nil || r.observe("one", reply(4, 7)) == nil {
		t.Error("a revision that is two was not noticed")
	}
	if r.observe("three", "I have no instructions.") == nil {
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
