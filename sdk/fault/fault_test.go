package fault

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestEveryClassCrossesTheWireWhole(t *testing.T) {
	for class := range classes {
		in := New(class, "what %s", "happened").At("a.b").By(PartyProvider).Upstream(418)
		in.RetryAfter = 1500 * time.Millisecond
		out := Of(ToStatus(fmt.Errorf("wrapped: %w", in)))
		if class == Canceled { // gRPC's own code says it all
			if out.Class != Canceled {
				t.Errorf("canceled came back as %s", out.Class)
			}
			continue
		}
		out.Err = nil
		if !reflect.DeepEqual(in, out) {
			t.Errorf("sent %+v, got %+v", in, out)
		}
		if back, ok := ParseClass(class.String()); !ok || back != class {
			t.Errorf("%s does not parse back", class)
		}
		if _, ok := wire[class]; !ok {
			t.Errorf("%s has no place in the protocol", class)
		}
	}
}

func TestOfClassifiesForeignErrors(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err  error
		want Class
	}{
		{cause, Internal},
		{context.Canceled, Canceled},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), Deadline},
		{status.Error(codes.Unavailable, "gone"), PluginUnavailable},
		{status.Error(codes.Unimplemented, "no"), Internal},
		{fmt.Errorf("x: %w", New(Forbidden, "no")), Forbidden},
	} {
		if got := Of(c.err); got.Class != c.want {
			t.Errorf("%v is %s; want %s", c.err, got.Class, c.want)
		}
	}
	if Of(nil) != nil || Is(nil, Internal) || ToStatus(nil) != nil {
		t.Error("nil is no error")
	}
	if e := New(Internal, "x: %w", cause); !errors.Is(e, cause) || e.Message != "x: cause" {
		t.Errorf("the cause is lost: %+v", e)
	}
}
