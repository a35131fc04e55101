package config

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/egress"
)

// Resolved is a block in the form that the host sends to its plugin. It contains secrets, so it
// never prints its fields.
type Resolved struct {
	Config  []byte   // JSON that contains the secrets
	Secrets []string // the secrets that Config contains, in any order
	Egress  egress.Policy
}

// Format writes "<secret>" for every verb.
func (Resolved) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, secretPlaceholder) }

// Resolve returns only the Config of [Host.ResolveBlock]. Callers compare it with an earlier
// result.
func (h *Host) Resolve(e *Effective, b Block) ([]byte, error) {
	r, err := h.ResolveBlock(e, b)
	return r.Config, err
}

// ResolveBlock returns one of e's blocks in the form that the host sends to its plugin, without the
// nested blocks. It reads the references during the call, and removes one line end at the end of a file. Errors are
// [Problems], which never contain a secret.
func (h *Host) ResolveBlock(e *Effective, b Block) (Resolved, error) {
	var problems Problems
	var secrets []string
	root := b.Path()
	sum := secretSum{}
	addProblem := func(path Path, r *secretProblem) {
		problems = append(problems, Problem{Path: path, Message: r.message, Expected: r.expected})
	}
	config := cursor{}.transform(b.Config, root, func(path Path, value any, _ marks) any {
		text := ""
		switch v := value.(type) {
		case secret.Text:
			text = v.Reveal()
		case Reference:
			if !sum.mayHaveMore() {
				break
			}
			var err *secretProblem
			if text, err = h.lookup(e.Tenant, v); err != nil {
				addProblem(path, err)
			}
		default:
			return value
		}
		sum.add(text)
		secrets = append(secrets, text)
		return text
	})
	if r := sum.secretProblem(); r != nil {
		addProblem(root, r)
	}
	if len(problems) > 0 {
		return Resolved{}, e.withPositions(problems).err()
	}
	out, err := json.Marshal(config)
	if err != nil {
		// The error is not wrapped, because its text may contain a secret.
		return Resolved{}, Problems{{Pos: e.pos(root), Path: root, Message: "cannot be written as JSON"}}
	}
	return Resolved{Config: out, Secrets: secrets, Egress: b.Egress}, nil
}

// pos returns the position of the layer that set the key at path.
func (e *Effective) pos(path Path) Pos { return e.withPositions(Problems{{Path: path}})[0].Pos }

// withPositions adds to each problem the position of its key. It repeats the merge to find the
// positions.
func (e *Effective) withPositions(problems Problems) Problems {
	a := e.inputs.merge()
	for i, p := range problems {
		if a == nil {
			problems[i].Pos = Pos{File: "tenant " + e.Tenant}
		} else {
			problems[i].Pos = a.layers.provenance.nearest(p.Path).pos
		}
	}
	return problems
}

// secretSum counts the secrets of a block, and the bytes of all of them.
type secretSum struct{ number, bytes int }

func (s *secretSum) add(text string) {
	s.number++
	s.bytes += len(text)
}

// mayHaveMore reports whether the number of secrets is still below the bound. The caller reads no
// further secret after that.
func (s *secretSum) mayHaveMore() bool { return s.number < bounds.BlockSecrets }

// secretProblem returns the problem that a block has too many secrets or that its secrets are too
// large together. It returns nil if the block keeps both bounds.
func (s *secretSum) secretProblem() *secretProblem {
	switch {
	case s.number > bounds.BlockSecrets:
		return &secretProblem{fmt.Sprintf("has %d secrets", s.number), fmt.Sprintf("at most %d", bounds.BlockSecrets)}
	case s.bytes > bounds.BlockSecretsBytes:
		return &secretProblem{fmt.Sprintf("has secrets of more than %d bytes together", bounds.BlockSecretsBytes), "smaller or fewer ones"}
	}
	return nil
}
