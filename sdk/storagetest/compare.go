package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// tokensOf returns the input tokens in the usage of a turn, and 0 without a usage.
func tokensOf(usage json.RawMessage) int64 {
	u, err := storage.DecodeUsage(usage)
	if err != nil {
		return -1
	}
	return u.InputTokens
}

// outcome returns words for the result of a Begin, such as "started" or "key reused".
func outcome(res *storage.BeginResult) string {
	var set []string
	if res.Started != nil {
		set = append(set, "started")
	}
	if res.Replay != nil {
		set = append(set, "replay")
	}
	if res.Busy != nil {
		set = append(set, fmt.Sprintf("busy (same key: %t)", res.Busy.SameKey))
	}
	if res.KeyReused {
		set = append(set, "key reused")
	}
	if len(set) == 0 {
		return "nothing"
	}
	return strings.Join(set, " and ")
}

// want returns an error if a Begin failed, or if its outcome differs from words.
func want(what, words string, res *storage.BeginResult, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if got := outcome(res); got != words {
		return fmt.Errorf("%s: answered %s; want %s", what, got, words)
	}
	return nil
}

// refused returns an error if a call succeeded, or if its error does not have the class.
func refused(what string, class fault.Class, err error) error {
	if err == nil {
		return fmt.Errorf("%s: no error; want %s", what, class)
	}
	if !fault.Is(err, class) {
		return fmt.Errorf("%s: %s error %q; want %s", what, fault.Of(err).Class, err, class)
	}
	return nil
}

// same returns an error if the JSON of got and want differs. Nil and empty lists count as equal.
func same(what string, got, want any) error {
	g, err := json.Marshal(got)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	w, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if empty(g) && empty(w) || string(g) == string(w) {
		return nil
	}
	return fmt.Errorf("%s: got %s; want %s", what, brief(g), brief(w))
}

// sameJSON returns an error if two JSON texts have different values. Spaces and the order of keys
// may differ.
func sameJSON(what string, got, want []byte) error {
	if len(got) == 0 && len(want) == 0 {
		return nil
	}
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		return fmt.Errorf("%s came back as %q: %w", what, got, err)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		return err
	}
	if !reflect.DeepEqual(g, w) {
		return fmt.Errorf("%s came back as %s; want %s", what, got, want)
	}
	return nil
}

func empty(b []byte) bool { return string(b) == "null" || string(b) == "[]" }

func brief(b []byte) string {
	if len(b) > 300 {
		return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(string(b[:300]), ""), len(b))
	}
	return string(b)
}

// meanwhile calls look repeatedly until write returns or look fails. It returns the joined errors
// of write and look.
func meanwhile(write, look func() error) error {
	written := make(chan error, 1)
	go func() { written <- write() }()
	for {
		select {
		case err := <-written:
			return err
		default:
			if wrong := look(); wrong != nil {
				return errors.Join(<-written, wrong)
			}
		}
	}
}

// together calls f concurrently with 0 to n-1 and joins the errors.
func together(n int, f func(i int) error) error {
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- f(i) }()
	}
	all := make([]error, n)
	for i := range n {
		all[i] = <-errs
	}
	return errors.Join(all...)
}
