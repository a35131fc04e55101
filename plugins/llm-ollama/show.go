package ollama

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ollama/ollama/api"
)

// shown is a server's description of a model. The zero value is the description by a server that says
// nothing.
type shown struct {
	capabilities []string // nil if the server lists none, as servers before version 0.6.4
	parameters   string   // the options of the model itself, one a line
	info         map[string]any
	remote       bool // the server passes calls on to ollama.com
}

// show asks the server for its description of a model.
func (m *Model) show(ctx context.Context, model string) (*shown, error) {
	ctx, seen := withExchange(ctx, m.description())
	defer seen.bounds.release()
	r, err := m.client.Show(ctx, &api.ShowRequest{Model: model})
	if err != nil {
		return nil, err
	}
	s := &shown{parameters: r.Parameters, info: r.ModelInfo, remote: r.RemoteHost != ""}
	for _, c := range r.Capabilities {
		s.capabilities = append(s.capabilities, string(c))
	}
	return s, nil
}

// can reports whether the model has the capability. A model of which no capability is known can do
// everything.
func (s *shown) can(capability string) bool {
	return s.capabilities == nil || slices.Contains(s.capabilities, capability)
}

// contextTokens returns how many tokens the context has, or 0 if that is not known. numCtx is the option
// num_ctx of the configuration, or 0. Without that option the model's own counts. A model that has none
// either gets a context that the server chooses, and of which its description says nothing.
func (s *shown) contextTokens(numCtx int) int64 {
	most := s.number("context_length")
	if numCtx <= 0 {
		numCtx = s.parameter("num_ctx")
	}
	switch {
	case s.remote && numCtx <= 0:
		return most
	case most > 0:
		return int64(max(0, min(numCtx, int(most))))
	}
	return int64(max(0, numCtx))
}

// dimensions returns the length of the model's vectors, or 0 if it is not known.
func (s *shown) dimensions() int {
	if s.capabilities == nil || !s.can("embedding") {
		return 0
	}
	if n := s.number("embedding_length_out"); n > 0 {
		return int(n)
	}
	return int(s.number("embedding_length"))
}

// number returns a number of the model's architecture, or 0 if there is none.
func (s *shown) number(name string) int64 {
	architecture, _ := s.info["general.architecture"].(string)
	n, _ := s.info[architecture+"."+name].(float64)
	if !(n >= 1 && n <= math.MaxInt32) {
		return 0
	}
	return int64(n)
}

// parameter returns the model's own value of an option that is a whole number, or 0.
func (s *shown) parameter(name string) int {
	for line := range strings.Lines(s.parameters) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == name {
			n, _ := strconv.ParseInt(words[1], 10, 32) // 0 for what is no number
			return int(n)
		}
	}
	return 0
}
