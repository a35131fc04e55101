package sdk

import (
	"errors"
	"fmt"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestProblems(t *testing.T) {
	if got := Problems(nil); got != nil {
		t.Errorf("no error has the problems %v", got)
	}
	got := Problems(errors.Join(fault.New(fault.Invalid, "a").At("x"), errors.Join(errors.New("b"), fmt.Errorf("wrapped: %w", fault.New(fault.Invalid, "c").At("y", "z")))))
	if len(got) != 3 || got[0].Error() != "x: a" || got[1].Error() != "b" || got[1].Class != fault.Invalid || got[2].Error() != "y.z: c" {
		t.Errorf("problems: %v", got)
	}
	var many []error
	for range MaxConfigProblems + 1 {
		many = append(many, fault.New(fault.Invalid, "x"))
	}
	if n := len(Problems(errors.Join(many...))); n != MaxConfigProblems {
		t.Errorf("%d problems; want %d", n, MaxConfigProblems)
	}
}
