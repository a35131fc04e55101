package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// run runs the command against a server that responds with answer. It returns the exit status
// and the standard output.
func run(t *testing.T, answer http.HandlerFunc, in io.Reader, errs io.Writer, args ...string) (int, string) {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	var out bytes.Buffer
	status := Run(t.Context(), append(args, "--url", server.URL), in, &out, errs)
	return status, out.String()
}

const wholeExport = `{"type":"export","version":1,"tenant":"a"}
{"type":"conversation","id":"c"}
{"type":"turn","sequence":1}
{"type":"end","conversations":1,"turns":1}
`

func TestTenantExport_incomplete(t *testing.T) {
	for name, c := range map[string]struct {
		sent   string
		status int
		want   string
	}{
		"whole":              {wholeExport, 0, ""},
		"cut at a line":      {wholeExport[:strings.Index(wholeExport, `{"type":"end"`)], 1, "the export broke off: its end is missing"},
		"cut in a line":      {wholeExport[:70], 1, "broke off"},
		"cut in the last":    {wholeExport[:len(wholeExport)-2], 1, "broke off"},
		"an end that is not": {`{"type":"turn","text":"{\"type\":\"end\"}"}` + "\n", 1, "broke off"},
		"a long line":        {`{"type":"turn","text":"` + strings.Repeat(`{"type":"end"`, 10_000) + "\"}\n", 1, "broke off"},
		"an error":           {`{"type":"export"}` + "\n" + `{"type":"error","problem":{"status":503,"class":"plugin_unavailable","detail":"the storage went away"}}` + "\n", 1, "the storage went away"},
		"nothing":            {"", 1, "broke off"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x")
			for _, more := range [][]string{nil, {"--output", file}} {
				var errs bytes.Buffer
				status, out := run(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.sent) }, nil, &errs, append([]string{"tenant", "export", "a"}, more...)...)
				if status != c.status || !strings.Contains(errs.String(), c.want) {
					t.Errorf("status %d, %s", status, errs.String())
				}
				if more == nil && out != c.sent {
					t.Errorf("printed %.100s", out)
				}
			}
			got, err := os.ReadFile(file)
			if (err == nil) != (c.status == 0) || err == nil && string(got) != c.sent {
				t.Errorf("the file is %q, %v", got, err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".x*")); len(left) > 0 {
				t.Errorf("left %v behind", left)
			}
			if info, err := os.Stat(file); err == nil && info.Mode().Perm() != 0o600 {
				t.Errorf("others may read it: %s", info.Mode())
			}
		})
	}
}

func TestProgress_onATerminalOnly(t *testing.T) {
	for _, c := range []struct {
		name, want string
		answer     http.HandlerFunc
		args       []string
	}{
		{"export", "a: 0 conversations, 0 turns, 43 bytes", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, wholeExport) }, []string{"tenant", "export", "a"}},
		{"purge", "a: 7 turns are deleted", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, `{"type":"progress","turns":7}`)
			fmt.Fprintln(w, `{"type":"result","tenant":"a"}`)
		}, []string{"tenant", "purge", "a", "--yes"}},
		{"import", "148 bytes are sent", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprintln(w, `{}`)
		}, []string{"tenant", "import", "a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen, unseen bytes.Buffer
			if status, _ := run(t, c.answer, strings.NewReader(wholeExport), &plainWriter{to: &seen}, c.args...); status != 0 || !strings.Contains(seen.String(), c.want) {
				t.Errorf("status %d, shown is %q", status, seen.String())
			}
			if !strings.HasSuffix(seen.String(), "\r\x1b[K") {
				t.Errorf("the line is left there: %q", seen.String())
			}
			if status, _ := run(t, c.answer, strings.NewReader(wholeExport), &unseen, c.args...); status != 0 || unseen.Len() > 0 {
				t.Errorf("without a terminal it shows %q", unseen.String())
			}
		})
	}
}

func TestDeletion_failsLater(t *testing.T) {
	for sent, want := range map[string]string{
		`{"type":"progress","turns":7}` + "\n" + `{"type":"error","problem":{"detail":"storage x: gone"}}` + "\n": "storage x: gone",
		`{"type":"progress","turns":7}` + "\n": "the answer broke off: unexpected EOF; the host stops there, and to repeat the command goes on",
		"":                                     "the answer broke off",
		`{"type":"progress","turns":7}` + "\n" + `{"type":"error"` + "\n": "not its API",
	} {
		t.Run(want, func(t *testing.T) {
			var errs bytes.Buffer
			status, out := run(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, sent) }, nil, &errs, "tenant", "erase", "a", "--yes")
			if status != 1 || out != "" || !strings.Contains(errs.String(), want) {
				t.Errorf("%q: status %d, %s%s; want %q", sent, status, out, errs.String(), want)
			}
		})
	}
}

func TestTenantImport_brokenSource(t *testing.T) {
	var errs bytes.Buffer
	in := io.MultiReader(strings.NewReader(wholeExport), iotest.ErrReader(errors.New("the disk is gone")))
	status, _ := run(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }, in, &errs, "tenant", "import", "a")
	if status != 1 || !strings.Contains(errs.String(), "the disk is gone") || strings.Contains(errs.String(), "no host answers") {
		t.Errorf("status %d, %s", status, errs.String())
	}
}
