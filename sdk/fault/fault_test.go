package fault

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestToStatus_everyClass(t *testing.T) {
	for class := range classes {
		in := New(class, "what %s", "happened").At("a", "b.c", "0").By(PartyProvider).Upstream(418).After(1500 * time.Millisecond)
		out := Of(ToStatus(fmt.Errorf("wrapped: %w", in)))
		if class == Canceled { // a canceled call is sent as a gRPC code without a Fault
			if out.Class != Canceled {
				t.Errorf("canceled came back as %s", out.Class)
			}
			continue
		}
		if out.Origin != OriginPlugin {
			t.Errorf("%s came as one of origin %d", class, out.Origin)
		}
		in.Origin, out.Err = OriginPlugin, nil
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

func TestOf(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err  error
		want Class
	}{
		{cause, Internal},
		{context.Canceled, Canceled},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), Deadline},
		{status.Error(codes.Unavailable, "gone"), PluginUnavailable},
		{status.Error(codes.Unimplemented, "no"), Unsupported},
		{status.Error(codes.ResourceExhausted, "trying to send message larger than max (2 vs. 1)"), Internal},
		{fmt.Errorf("x: %w", New(Forbidden, "no")), Forbidden},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			if got := Of(c.err); got.Class != c.want {
				t.Errorf("class %s; want %s", got.Class, c.want)
			}
		})
	}
	if Of(nil) != nil || Is(nil, Internal) || ToStatus(nil) != nil {
		t.Error("nil is no error")
	}
	if e := New(Internal, "x: %w", cause); !errors.Is(e, cause) || e.Message != "x: cause" {
		t.Errorf("the cause is lost: %+v", e)
	}
}

// TestToStatus_unknownClass checks that an error of an unknown class is sent as Internal.
func TestToStatus_unknownClass(t *testing.T) {
	for _, class := range []Class{-1, UnknownInstance + 1, 99} {
		e := Of(ToStatus(New(class, "of another version")))
		if e == nil || e.Class != Internal || e.Message != "of another version" || e.Retryable {
			t.Errorf("class %d came back as %+v", class, e)
		}
	}
}

// TestToStatus_longTexts checks that an error keeps its class when its message is very long or is
// not UTF-8.
func TestToStatus_longTexts(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a byte that is not UTF-8":      {"a\xffb", "a\uFFFDb"},
		"the longest text":              {strings.Repeat("x", MaxText), strings.Repeat("x", MaxText)},
		"64 MiB":                        {strings.Repeat("x", 64<<20), strings.Repeat("x", MaxText-3) + "..."},
		"long characters":               {strings.Repeat("€", 64<<10), strings.Repeat("€", (MaxText-3)/3) + "..."},
		"many bytes that are not UTF-8": {strings.Repeat("a\xff", MaxText/2), strings.Repeat("a\uFFFD", (MaxText-3)/4) + "a..."},
	} {
		t.Run(name, func(t *testing.T) {
			out := Of(ToStatus(New(ProviderFailed, "%s", c.in).At(c.in)))
			if out.Class != ProviderFailed || out.Message != c.want || !slices.Equal(out.Path, Path{c.want}) {
				t.Errorf("received as %s with %d bytes: %.40q", out.Class, len(out.Message), out.Message)
			}
			if foreign := Of(status.Error(codes.NotFound, c.in)); foreign.Message != c.want {
				t.Errorf("received without a Fault as %.40q", foreign.Message)
			}
		})
	}
}
