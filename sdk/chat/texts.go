package chat

// VisitTexts calls visit with each text of the part, those of nested parts included, until
// visit returns false. It reports whether every call returned true. Bytes that are not text
// (data of media, states, unknown fields) are left out.
func (p *Part) VisitTexts(visit func(text *string) bool) bool {
	if !visit(&p.Text) {
		return false
	}
	if m := p.Media; m != nil && !visitAll(visit, &m.Kind, &m.MediaType, &m.URL, &m.Reference, &m.Name) {
		return false
	}
	if r := p.Reasoning; r != nil && !visit(&r.Text) {
		return false
	}
	if c := p.ToolCall; c != nil && !visitAll(visit, &c.ID, &c.Name, &c.Arguments) {
		return false
	}
	if r := p.ToolResult; r != nil {
		if !visitAll(visit, &r.ToolCallID, &r.Name) {
			return false
		}
		for i := range r.Parts {
			if !r.Parts[i].VisitTexts(visit) {
				return false
			}
		}
	}
	if r := p.Refusal; r != nil && !visit(&r.Text) {
		return false
	}
	if o := p.Other; o != nil && !visit(&o.Type) {
		return false
	}
	for i := range p.Citations {
		c := &p.Citations[i]
		if !visitAll(visit, &c.URL, &c.Document, &c.Title, &c.Quote) {
			return false
		}
	}
	return p.State == nil || visit(&p.State.Maker)
}

func visitAll(visit func(*string) bool, texts ...*string) bool {
	for _, text := range texts {
		if !visit(text) {
			return false
		}
	}
	return true
}

// copy returns a copy of the part whose texts can be changed without changing p. Bytes are
// shared.
func (p *Part) copy() Part {
	q := *p
	q.Media, q.Reasoning, q.ToolCall = clone(p.Media), clone(p.Reasoning), clone(p.ToolCall)
	q.Refusal, q.Other, q.State = clone(p.Refusal), clone(p.Other), clone(p.State)
	q.Citations = append([]Citation(nil), p.Citations...)
	if q.ToolResult = clone(p.ToolResult); q.ToolResult != nil {
		q.ToolResult.Parts = append([]Part(nil), p.ToolResult.Parts...)
		for i := range q.ToolResult.Parts {
			q.ToolResult.Parts[i] = q.ToolResult.Parts[i].copy()
		}
	}
	return q
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}
