package ollama

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// zipped writes a response in compressed form, and flushes each write.
type zipped struct {
	http.ResponseWriter
	zip *gzip.Writer
}

func newZipped(w http.ResponseWriter) *zipped {
	w.Header().Set("Content-Encoding", "gzip")
	return &zipped{w, gzip.NewWriter(w)}
}

func (z *zipped) Write(p []byte) (int, error) { return z.zip.Write(p) }

func (z *zipped) Flush() {
	_ = z.zip.Flush()
	z.ResponseWriter.(http.Flusher).Flush()
}

// TestGzipBody_streams checks that the pieces of a compressed reply arrive one by one, and that the
// plugin reads compressed errors and vectors.
func TestGzipBody_streams(t *testing.T) {
	s := newServer(t)
	heard := make(chan struct{}, 1)
	s.chat = func(l *lines, _ *api.ChatRequest) {
		z := newZipped(l.ResponseWriter)
		l.ResponseWriter = z
		l.text("Hel")
		select {
		case <-heard:
		case <-l.ctx.Done():
		}
		l.text("lo")
		l.done("stop")
		_ = z.zip.Close()
	}
	var got string
	m := s.model(nil)
	finish, err := m.Chat(t.Context(), ask("Hi"), func(d llm.Delta) error {
		if got += d.Text; got == "Hel" {
			heard <- struct{}{}
		}
		return nil
	})
	if err != nil || got != "Hello" || finish.Usage.OutputTokens != 3 {
		t.Errorf("got %q, %+v, %v", got, finish, err)
	}

	s.chat = func(l *lines, _ *api.ChatRequest) {
		z := newZipped(l.ResponseWriter)
		refuse(z, http.StatusNotFound, "model 'gemma3:1b' not found")
		_ = z.zip.Close()
	}
	if _, _, err := talk(t.Context(), m, ask("Hi")); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "ollama pull") {
		t.Errorf("got %v", err)
	}

	s.embed = func(w http.ResponseWriter, _ *api.EmbedRequest) {
		z := newZipped(w)
		answer(z, api.EmbedResponse{Embeddings: [][]float32{{1, 2}}})
		_ = z.zip.Close()
	}
	if out, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a"}}); err != nil || len(out.Vectors) != 1 || len(out.Vectors[0]) != 2 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestGzipBody_broken(t *testing.T) {
	for name, answer := range map[string]func(*lines){
		"no compression": func(l *lines) {
			l.Header().Set("Content-Encoding", "gzip")
			l.text("plain")
			l.done("stop")
		},
		"cut": func(l *lines) {
			l.ResponseWriter = newZipped(l.ResponseWriter)
			l.text("a")
		},
		"another coding": func(l *lines) {
			l.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(l, "\x0b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(l *lines, _ *api.ChatRequest) { answer(l) }
			_, _, err := talk(t.Context(), s.model(nil), ask("Hi"))
			if !fault.Is(err, fault.ProviderFailed) || !fault.Of(err).Retryable {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestGzipBody_pace checks that a body of compressed nothings is read no faster than at the greatest pace.
//
// beyond: pace of an upstream
func TestGzipBody_pace(t *testing.T) {
	var empty bytes.Buffer
	_ = gzip.NewWriter(&empty).Close()
	sent := bytes.Repeat(empty.Bytes(), (sdk.PaceCredit+3)*sdk.MaxUpstreamByteRate/empty.Len())
	synctest.Test(t, func(t *testing.T) {
		resp := &http.Response{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(bytes.NewReader(sent))}
		if err := decodeBody(t.Context(), resp, nil); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if n, err := io.Copy(io.Discard, resp.Body); n != 0 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		if took := time.Since(begun); took < 2*time.Second {
			t.Errorf("%d bytes took %s", len(sent), took)
		}
	})
}
