package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

type env struct{ name string }

func rule(name string, check func(ctx context.Context, e *env) error) Rule[env] {
	return Rule[env]{Name: name, Doc: "It is so.", Check: check}
}

func TestRun_Check(t *testing.T) {
	oh := errors.New("oh")
	var cleaned, reported []string
	run := &Run[env]{
		Rules: []Rule[env]{
			rule("kept", func(context.Context, *env) error { return nil }),
			rule("broken", func(context.Context, *env) error { return oh }),
			rule("skipped", func(context.Context, *env) error { return fmt.Errorf("not here: %w", ErrSkip) }),
			rule("left out", func(context.Context, *env) error { return oh }),
			rule("panics", func(_ context.Context, e *env) error { panic(e.name + " fell over") }),
			rule("hangs", func(ctx context.Context, _ *env) error { <-ctx.Done(); return ctx.Err() }),
			rule("dirty", func(context.Context, *env) error { return ErrSkip }),
		},
		Except:  []string{"left out"},
		Timeout: 20 * time.Millisecond,
		Env:     func(r Rule[env]) *env { return &env{name: r.Name} },
		Clean: func(e *env) error {
			cleaned = append(cleaned, e.name)
			switch e.name {
			case "dirty":
				return oh
			case "panics":
				panic("again")
			}
			return nil
		},
		Report: func(r Rule[env], _ time.Duration, err error) {
			reported = append(reported, fmt.Sprintf("%s %t %t", r.Name, err == nil, errors.Is(err, ErrSkip)))
		},
	}
	wrong := run.Check(t.Context())
	var names []string
	for _, err := range wrong {
		var f *Failure[env]
		if !errors.As(err, &f) {
			t.Fatalf("%v is no failure", err)
		}
		names = append(names, f.Rule.Name)
	}
	if want := []string{"broken", "panics", "hangs", "dirty"}; !slices.Equal(names, want) {
		t.Fatalf("failures of %q; want %q", names, want)
	}
	for i, want := range []string{"broken: It is so.\n\toh", "panics fell over", "the rule took too long", "oh"} {
		if got := wrong[i].Error(); !strings.Contains(got, want) {
			t.Errorf("failure %d reads %q; want %q in it", i, got, want)
		}
	}
	if !errors.Is(wrong[0], oh) || !errors.Is(wrong[3], oh) {
		t.Error("a failure hides its error")
	}
	all := []string{"kept", "broken", "skipped", "panics", "hangs", "dirty"}
	if !slices.Equal(cleaned, all) {
		t.Errorf("cleaned after %q; want %q", cleaned, all)
	}
	want := []string{"kept true false", "broken false false", "skipped false true", "panics false false", "hangs false false", "dirty false false"}
	if !slices.Equal(reported, want) {
		t.Errorf("reported %q; want %q", reported, want)
	}
}

// TestRun_Check_faultAndSkip checks that a rule fails which joins a fault with ErrSkip, as rules do that
// call a plugin several times at once, and that what it reports is the fault alone.
func TestRun_Check_faultAndSkip(t *testing.T) {
	oh := errors.New("oh")
	for name, c := range map[string]struct {
		err   error
		fails bool
	}{
		"joined":            {errors.Join(ErrSkip, oh), true},
		"the other order":   {errors.Join(oh, ErrSkip), true},
		"within":            {fmt.Errorf("at once: %w", errors.Join(fmt.Errorf("one: %w", ErrSkip), errors.Join(nil, oh))), true},
		"two of a text":     {fmt.Errorf("%w (%w)", ErrSkip, oh), true},
		"skips and no more": {errors.Join(ErrSkip, fmt.Errorf("one: %w", ErrSkip)), false},
	} {
		t.Run(name, func(t *testing.T) {
			run := &Run[env]{
				Rules: []Rule[env]{rule("it", func(context.Context, *env) error { return c.err })},
				Env:   func(Rule[env]) *env { return nil },
				Report: func(_ Rule[env], _ time.Duration, err error) {
					if errors.Is(err, ErrSkip) == c.fails || errors.Is(err, oh) != c.fails {
						t.Errorf("reported %v", err)
					}
				},
			}
			if wrong := run.Check(t.Context()); (len(wrong) == 1) != c.fails {
				t.Errorf("failures %v", wrong)
			}
		})
	}
}

func TestRun_Check_endsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	checked := 0
	check := func(context.Context, *env) error { checked++; cancel(); return nil }
	run := &Run[env]{
		Rules: []Rule[env]{rule("one", check), rule("two", check)},
		Env:   func(Rule[env]) *env { return nil },
	}
	wrong := run.Check(ctx)
	if checked != 1 || len(wrong) != 1 || !errors.Is(wrong[0], context.Canceled) {
		t.Errorf("%d rules were checked, %v", checked, wrong)
	}
}

func TestNamed(t *testing.T) {
	rules := []Rule[env]{rule("a", nil), rule("b", nil), rule("c", nil)}
	if all, err := Named(rules, nil); err != nil || len(all) != 3 {
		t.Errorf("all: %d, %v", len(all), err)
	}
	some, err := Named(rules, []string{"c", "a"})
	if err != nil || len(some) != 2 || some[0].Name != "c" || some[1].Name != "a" {
		t.Errorf("some: %v, %v", some, err)
	}
	if _, err := Named(rules, []string{"a", "d"}); err == nil || !strings.Contains(err.Error(), `"d"`) {
		t.Errorf("an unknown one: %v", err)
	}
}

type closing struct{ err error }

func (c closing) Close() error { return c.err }

func TestClose(t *testing.T) {
	oh := errors.New("oh")
	if err := Close(closing{oh}); !errors.Is(err, oh) {
		t.Error(err)
	}
	if err := Close(1); err != nil {
		t.Error(err)
	}
}
