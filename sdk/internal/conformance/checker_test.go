package conformance

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// checked is a sdk.Checker whose calls return the errors in turn. The last of them goes on.
type checked struct {
	errs []error
	n    atomic.Int64
}

func (c *checked) Check(context.Context) error {
	return c.errs[min(int(c.n.Add(1)), len(c.errs))-1]
}

// TestCheckChecker_worst checks that the fault of one call counts, whatever the calls beside it say.
func TestCheckChecker_worst(t *testing.T) {
	cannot := fault.New(fault.Unsupported, "it cannot find out")
	odd := errors.New("odd")
	for name, c := range map[string]struct {
		errs []error
		want string
	}{
		"one fault, first":  {[]error{odd, cannot, cannot, nil}, "no fault.Error: odd"},
		"one fault, second": {[]error{cannot, odd, cannot, nil}, "no fault.Error: odd"},
		"one fault, last":   {[]error{cannot, cannot, odd, nil}, "no fault.Error: odd"},
		"a failure":         {[]error{cannot, nil, fault.New(fault.ProviderFailed, "down"), nil}, "an instance that works fails: down"},
		"one cannot":        {[]error{nil, cannot, nil}, ErrSkip.Error()},
		"none can":          {[]error{cannot}, ErrSkip.Error()},
		"all work":          {[]error{nil}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 { // the calls end in any order
				err := CheckChecker(t.Context(), &checked{errs: c.errs}, Checked{Prompt: time.Minute, Works: true})
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Fatalf("got %v; want %q", err, c.want)
				}
			}
		})
	}
	if err := CheckChecker(t.Context(), 1, Checked{}); !errors.Is(err, ErrSkip) {
		t.Errorf("no Checker: %v", err)
	}
}
