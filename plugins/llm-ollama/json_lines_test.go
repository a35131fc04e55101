package ollama

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// TestJSONLines_accepts checks that the reply does not depend on the blanks, line ends and byte order
// marks between and in the objects.
func TestJSONLines_accepts(t *testing.T) {
	const (
		one  = `{"model":"m","message":{"role":"assistant","content":"a } \" \\ {\u0000b"},"done":false}`
		two  = `{"model":"m","message":{"role":"assistant","content":"c\n[d"},"done":false}`
		last = `{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":2}`
	)
	spread := strings.NewReplacer(`,"`, ",\r\n  \"", `{"`, "{\n \"").Replace(one)
	for name, body := range map[string]string{
		"lines":                one + "\n" + two + "\n" + last + "\n",
		"CRLF":                 one + "\r\n" + two + "\r\n" + last + "\r\n",
		"no last line end":     one + "\n" + two + "\n" + last,
		"blank lines":          "\n\n" + one + "\n\n \t\n" + two + "\n" + last + "\n\n\n",
		"an empty last line":   one + "\n" + two + "\n" + last + "\n\n",
		"one line":             one + two + last,
		"one line with blanks": one + " " + two + "  " + last + " ",
		"a byte order mark":    "\uFEFF" + one + "\n" + two + "\n" + last + "\n",
		"marks everywhere":     "\uFEFF" + one + "\n\uFEFF" + two + "\n\uFEFF" + last + "\n\uFEFF",
		"several lines each":   spread + "\n" + two + "\n" + last + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(l *lines, _ *api.ChatRequest) { l.raw(body) }
			got, finish, err := talk(t.Context(), s.model(nil), ask("Hi"))
			if err != nil || texts(got) != "a } \" \\ {\x00b|c\n[d|" {
				t.Errorf("%q, %v", texts(got), err)
			}
			if finish == nil || finish.Usage.OutputTokens != 2 || finish.Usage.InputTokens != 1 {
				t.Errorf("%+v", finish)
			}
			for _, read := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
				out, err := io.ReadAll(newJSONLines(t.Context(), io.NopCloser(read(strings.NewReader(body)))))
				if err != nil || bytes.Count(out, []byte("\n")) != 3 {
					t.Errorf("%q, %v", out, err)
				}
			}
		})
	}
}

// TestJSONLines_refuses checks that a response that is not a stream of JSON objects makes the turn fail.
// The error blames the provider or base_url.
func TestJSONLines_refuses(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body string
		want       fault.Class
		path       string
	}{
		"a page":           {"text/html", "<!doctype html>\n<html><body>{\"a\": 1}</body></html>\n", fault.NotFound, "base_url"},
		"a page as ndjson": {"application/x-ndjson", "<html></html>", fault.ProviderFailed, ""},
		"nothing":          {"application/x-ndjson", "", fault.ProviderFailed, ""},
		"blank lines":      {"application/x-ndjson", "\n\n\n", fault.ProviderFailed, ""},
		"an object cut":    {"application/x-ndjson", `{"message":{"content":"x`, fault.ProviderFailed, ""},
		"a list":           {"application/x-ndjson", `[{"message":{"content":"x"},"done":true}]`, fault.NotFound, "base_url"},
		"too many braces":  {"application/x-ndjson", `}}}}`, fault.ProviderFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(l *lines, _ *api.ChatRequest) {
				l.Header().Set("Content-Type", c.kind)
				l.raw(c.body)
			}
			_, finish, err := talk(t.Context(), s.model(nil), ask("Hi"))
			if e := fault.Of(err); e == nil || e.Class != c.want || e.Path.String() != c.path {
				t.Errorf("%+v, %+v", finish, e)
			}
		})
	}
}

func TestJSONLines_keepsErrors(t *testing.T) {
	broken := errors.New("broken")
	j := newJSONLines(t.Context(), io.NopCloser(io.MultiReader(strings.NewReader(`{"a":1}{"b`), iotest.ErrReader(broken))))
	if out, err := io.ReadAll(j); !errors.Is(err, broken) || string(out) != "{\"a\":1}\n{\"b" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestJSONLines_pace checks that a fast server is read no faster than the pace allows.
//
// beyond: pace of an upstream
func TestJSONLines_pace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJSONLines(t.Context(), io.NopCloser(strings.NewReader(strings.Repeat(`{"a":1}`, 4*sdk.MaxUpstreamByteRate/7))))
		j.bounds.pace = budget.NewPace(sdk.PaceCredit * time.Second)
		begun := time.Now()
		if n, err := io.Copy(io.Discard, j); err != nil || n < 4*sdk.MaxUpstreamByteRate {
			t.Errorf("%d bytes, %v", n, err)
		}
		if took := time.Since(begun); took < 2900*time.Millisecond || took > 4*time.Second {
			t.Errorf("four seconds of bytes came in %s; want 3s, since one second's may come at once", took)
		}
	})
}
