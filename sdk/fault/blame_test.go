package fault

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	faultv1 "github.com/botyard/botyard/sdk/proto/botyard/fault/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// blamed repeats the table of classes in a readable form. Its parties are those of the origins
// here, plugin, settings, model, memory and storage, in this order.
var blamed = []struct {
	class   Class
	retry   bool
	parties string
}{
	{Internal, false, "host plugin plugin plugin plugin plugin"},
	{NotFound, false, "caller caller tenant tenant caller caller"},
	{Invalid, false, "caller caller tenant tenant caller caller"},
	{Conflict, true, "caller caller provider provider caller caller"},
	{Unauthenticated, false, "tenant tenant tenant tenant tenant tenant"},
	{Forbidden, false, "tenant tenant tenant tenant tenant tenant"},
	{RateLimited, true, "caller provider provider provider provider provider"},
	{QuotaExhausted, false, "tenant tenant tenant tenant tenant tenant"},
	{ContextTooLong, false, "caller caller tenant caller caller caller"},
	{ContentFiltered, false, "caller caller tenant caller caller caller"},
	{ProviderFailed, true, "provider provider provider provider provider provider"},
	{PluginUnavailable, true, "plugin plugin plugin plugin plugin plugin"},
	{Deadline, true, "provider provider plugin provider plugin provider"},
	{Canceled, true, "caller plugin plugin plugin plugin plugin"},
	{Unsupported, false, "caller caller tenant caller caller caller"},
	{UnknownInstance, true, "host plugin plugin plugin plugin plugin"},
}

// received returns the Error that Of reads from a gRPC status with the code and the fault f. A
// plugin in any language can send that status.
func received(t *testing.T, code codes.Code, f *faultv1.Fault) *Error {
	t.Helper()
	s := status.New(code, f.GetMessage())
	if f != nil {
		var err error
		if s, err = s.WithDetails(f); err != nil {
			t.Fatal(err)
		}
	}
	return Of(s.Err())
}

func TestError_From(t *testing.T) {
	if len(blamed) != len(classes) {
		t.Errorf("%d classes are in this table and %d in the other", len(blamed), len(classes))
	}
	for _, row := range blamed {
		parties := strings.Fields(row.parties)
		for origin := OriginHere; origin < origins; origin++ {
			fromOurs := Of(ToStatus(New(row.class, "x"))).From(origin) // an error that a plugin of this SDK built with New
			foreign := received(t, codes.Unknown, &faultv1.Fault{Class: wire[row.class].proto, Message: "x"})
			if row.class == Canceled {
				foreign = received(t, codes.Canceled, nil)
			}
			for _, e := range []*Error{New(row.class, "x").From(origin), fromOurs, foreign.From(origin)} {
				if e.Class != row.class || e.Party.String() != parties[origin] || e.Retryable != row.retry {
					t.Errorf("%s of origin %d: %+v", row.class, origin, e)
				}
			}
			if e := Of(ToStatus(New(row.class, "x").By(PartyProvider))).From(origin); row.class != Canceled && e.Party != PartyProvider {
				t.Errorf("%s of origin %d that blames the provider itself: %+v", row.class, origin, e)
			}
		}
	}
}

func TestError_From_foreign(t *testing.T) {
	no, yes := false, true
	for name, c := range map[string]struct {
		code  codes.Code
		fault *faultv1.Fault
		want  Error
	}{
		"a limit without party and retry": {codes.ResourceExhausted, &faultv1.Fault{Class: faultv1.Class_CLASS_RATE_LIMITED, Message: "x"},
			Error{Class: RateLimited, Party: PartyProvider, Retryable: true, Message: "x"}},
		"a limit that a retry does not end": {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_RATE_LIMITED, Message: "x", Retryable: &no, RetryAfterMs: 5},
			Error{Class: RateLimited, Party: PartyProvider, Message: "x"}},
		"a time to come again is a retry": {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_INVALID, Message: "x", RetryAfterMs: 1500},
			Error{Class: Invalid, Party: PartyTenant, Retryable: true, RetryAfter: 1500 * time.Millisecond, Message: "x"}},
		"a retry against the class": {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_INTERNAL, Message: "x", Retryable: &yes},
			Error{Class: Internal, Party: PartyPlugin, Retryable: true, Message: "x"}},
		"a class of tomorrow": {codes.NotFound, &faultv1.Fault{Class: 99, Message: "x", Path: []string{"model"}, UpstreamStatus: 410},
			Error{Class: NotFound, Party: PartyTenant, Message: "x", Path: Path{"model"}, UpstreamStatus: 410}},
		"a class of tomorrow and no code": {codes.Unknown, &faultv1.Fault{Class: -3, Message: "x"},
			Error{Class: Internal, Party: PartyPlugin, Message: "x"}},
		"a party of tomorrow": {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_INVALID, Message: "x", Party: 42},
			Error{Class: Invalid, Party: PartyTenant, Message: "x"}},
		"a party below all": {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_INVALID, Message: "x", Party: -1},
			Error{Class: Invalid, Party: PartyTenant, Message: "x"}},
		"the caller blamed for credentials": {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_FORBIDDEN, Message: "x", Party: faultv1.Party_PARTY_CALLER},
			Error{Class: Forbidden, Party: PartyTenant, Message: "x"}},
		"numbers out of range": {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_RATE_LIMITED, Message: "x", RetryAfterMs: math.MaxInt64, UpstreamStatus: -7},
			Error{Class: RateLimited, Party: PartyProvider, Retryable: true, RetryAfter: maxRetryAfter, Message: "x"}},
		"a time in the past": {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_RATE_LIMITED, Message: "x", RetryAfterMs: -5},
			Error{Class: RateLimited, Party: PartyProvider, Retryable: true, Message: "x"}},
		"no words":     {codes.Unknown, &faultv1.Fault{Class: faultv1.Class_CLASS_INTERNAL}, Error{Class: Internal, Party: PartyPlugin, Message: "no reason was given"}},
		"a code alone": {codes.PermissionDenied, nil, Error{Class: Forbidden, Party: PartyTenant, Message: "no reason was given"}},
		"nothing":      {codes.Unknown, nil, Error{Class: Internal, Party: PartyPlugin, Message: "no reason was given"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := received(t, c.code, c.fault).From(OriginModel)
			got.Err, got.usual, got.Origin = nil, false, OriginHere
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	plain := Of(ToStatus(errors.New("boom"))).From(OriginStorage)
	if plain.Class != Internal || plain.Party != PartyPlugin {
		t.Errorf("a plugin's plain error: %+v", plain)
	}
}

// TestError_ForCallers checks, for all classes, origins and parties, that the text for callers
// never contains a text that a plugin wrote. That also holds for an error that wraps a plugin's
// error.
func TestError_ForCallers(t *testing.T) {
	for class := range classes {
		for origin := OriginHere; origin < origins; origin++ {
			for party := PartyUnknown; party <= PartyHost; party++ {
				e := New(class, "the key sk-1").At("k").By(party).From(origin)
				got := e.ForCallers()
				if own := origin == OriginHere; own != strings.Contains(got, "sk-1") {
					t.Errorf("%s of origin %d by %s: %q", class, origin, party, got)
				}
				if wrapped := New(Conflict, "not kept: %w", e); origin != OriginHere && strings.Contains(wrapped.ForCallers(), "sk-1") {
					t.Errorf("%s of origin %d, wrapped: %q", class, origin, wrapped.ForCallers())
				}
				if with := strings.HasPrefix(got, "k: "); with != (origin == OriginHere || e.Party == PartyTenant) {
					t.Errorf("%s of origin %d by %s: %q", class, origin, e.Party, got)
				}
			}
		}
	}
	if got := New(Conflict, "x: %w", New(Internal, "y").From(OriginStorage)).Telling("the reply was not kept").ForCallers(); got != "the reply was not kept" {
		t.Errorf("told %q", got)
	}
}
