package config

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/bounds"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// hclReader reads one HCL document into nodes.
type hclReader struct {
	builder
	src       []byte
	lines     []string        // the lines of src; set only if the parser reported a mistake
	diags     hcl.Diagnostics // the parser's reports, except reports of repeated attributes
	redefined Problems
	tolerance tolerance // a tolerant reader accepts texts that are not in normal form C; HCL converts them
}

// parseHCL reads HCL into nodes for [ParseHCL].
func parseHCL(name string, src []byte) (node, Problems) { return readHCL(name, src, strict) }

// parseKeptHCL reads HCL into nodes for [ParseKept]. It accepts texts that are not in Unicode's
// normal form C and converts them to that form.
func parseKeptHCL(name string, src []byte) (node, Problems) { return readHCL(name, src, tolerant) }

func readHCL(name string, src []byte, tolerance tolerance) (node, Problems) {
	// All line ends become "\n" before parsing, because the HCL parser keeps the line ends of a
	// heredoc and a YAML parser converts them.
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	r := hclReader{builder: builder{name: name, values: 1}, src: src, tolerance: tolerance} // 1 counts the body itself
	if r.overloaded() {
		return node{}, r.problems
	}
	f, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	// The HCL parser continues after each mistake, and a document may contain thousands of
	// mistakes.
	r.diags = slices.Clip(diags[:min(len(diags), maxFindings)])
	broken := map[int]bool{}
	for _, d := range diags {
		if d.Subject != nil {
			broken[d.Subject.Start.Line] = true
		}
	}
	root := node{kind: mapNode}
	if body, ok := f.Body.(*hclsyntax.Body); ok {
		r.body(&root, nil, body)
	}
	// If the parser reported a mistake in a line, further problems of the same line are dropped.
	r.problems = slices.DeleteFunc(r.problems, func(p Problem) bool { return broken[p.Pos.Line] })
	r.problems = append(r.problems, r.redefined...)
	if len(r.diags) > 0 {
		r.lines = strings.Split(string(src), "\n")
	}
	for _, d := range r.diags {
		r.diagnostic(d)
	}
	return root, r.problems
}

// These constants bound the text that the HCL parser gets. The parser allocates some KiB for each
// word and each sign. It reads a number in time quadratic in the number's length. It joins the
// pieces of a text by copying the text so far for each piece.
const (
	maxTokens = bounds.HCLWords
	maxNumber = 400 // bytes of a number; every float64 can be written with fewer
	maxCopied = bounds.HCLCopied
)

// overloaded reports whether the document is too expensive for the HCL parser, and adds a problem
// if so. The parser recurses without a limit, and a Go program cannot recover from an exhausted
// stack, so the host would crash. Other documents would keep the parser busy for minutes.
func (r *hclReader) overloaded() bool {
	tokens, _ := hclsyntax.LexConfig(r.src, r.name, hcl.InitialPos)
	depth, signs, questions, words, pieces, copied := 0, 0, 0, 0, 0, 0
	for _, t := range tokens {
		words++
		switch t.Type {
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit: // a line of a heredoc, or the text between two escapes
			words--
			pieces += len(t.Bytes)
			copied += pieces
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			words--
		case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			pieces, copied = 0, 0
		}
		switch {
		case words == maxTokens+1:
			r.addProblem(r.at(t.Range), nil, fmt.Sprintf("is beyond the first %d words and signs of the document", maxTokens), fmt.Sprintf("at most %d", maxTokens))
			return true
		case t.Type == hclsyntax.TokenNumberLit && len(t.Bytes) > maxNumber:
			r.addProblem(r.at(t.Range), nil, outOfRange, "a finite decimal number, or a text in quotes")
			return true
		case copied > maxCopied:
			r.addProblem(r.at(t.Range), nil, "is a text of too many lines or escapes for its length", "a shorter one, or the same in YAML")
			return true
		}
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			depth--
		case hclsyntax.TokenQuestion:
			questions++
		}
		if t.Type == hclsyntax.TokenMinus || t.Type == hclsyntax.TokenBang {
			signs++
		} else {
			signs = 0
		}
		if depth > maxDepth || signs > maxDepth || questions > maxDepth {
			r.addProblem(r.at(t.Range), nil, "is nested too deeply", fmt.Sprintf("at most %d levels", maxDepth))
			return true
		}
	}
	return false
}

func (r *hclReader) at(rng hcl.Range) Pos {
	return Pos{File: r.name, Line: rng.Start.Line, Column: rng.Start.Column}
}

// diagnostic adds a problem for a mistake that the parser reported.
func (r *hclReader) diagnostic(d *hcl.Diagnostic) {
	at := Pos{File: r.name, Line: 1, Column: 1}
	if d.Subject != nil {
		at = r.at(*d.Subject)
		// The most common cause is a reference in YAML's form, "${env:NAME}".
		if i := d.Subject.Start.Line - 1; i < len(r.lines) {
			for _, scheme := range []string{"env", "file"} {
				if strings.Contains(r.lines[i], `"${`+scheme+`:`) {
					r.addProblem(at, nil, "is not HCL: a reference in quotes", fmt.Sprintf(`%s("...") without quotes`, scheme))
					return
				}
			}
		}
	}
	detail := strings.TrimSuffix(strings.Join(strings.Fields(d.Detail), " "), ".")
	r.addProblem(at, nil, "is not HCL: "+strings.ToLower(d.Summary[:1])+d.Summary[1:]+": "+detail, "")
}

// open holds the paths, as Path.key, of maps that exist only because of labels of blocks. Only
// such a map may get keys from a further block.
type open map[string]bool

// body reads the attributes and blocks of a body into a node.
func (r *hclReader) body(into *node, path Path, body *hclsyntax.Body) {
	// The parser returns the attributes in a map. Sorting by position makes the later one of two
	// equal keys the reported problem.
	type item struct {
		start int
		attr  *hclsyntax.Attribute
		block *hclsyntax.Block
	}
	var items []item
	for _, a := range body.Attributes {
		items = append(items, item{start: a.NameRange.Start.Byte, attr: a})
	}
	for _, b := range body.Blocks {
		items = append(items, item{start: b.TypeRange.Start.Byte, block: b})
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.start, b.start) })
	labelled := open{}
	for _, it := range items {
		if it.attr != nil {
			child := node{key: it.attr.Name, pos: r.at(it.attr.NameRange)}
			r.value(&child, path.with(child.key), it.attr.Expr)
			r.add(into, path.with(child.key), child)
			continue
		}
		r.block(into, path, it.block, labelled)
	}
	r.claimRedefined(path, body)
}

// claimRedefined removes the parser's reports of repeated attributes of body from r.diags, and
// adds problems in the words that all formats use for a repeated key. The parser has no error
// type for such a report. claimRedefined recognizes a report by its position, which is the
// position of the second attribute. Reports of inner bodies were already removed.
func (r *hclReader) claimRedefined(path Path, body *hclsyntax.Body) {
	r.diags = slices.DeleteFunc(r.diags, func(d *hcl.Diagnostic) bool {
		if d.Subject == nil || !body.SrcRange.ContainsPos(d.Subject.Start) {
			return false
		}
		first, ok := body.Attributes[string(d.Subject.SliceBytes(r.src))]
		if !ok || first.NameRange.Start.Byte >= d.Subject.Start.Byte {
			return false
		}
		r.redefined = append(r.redefined, Problem{
			Pos: r.at(*d.Subject), Path: path.with(first.Name),
			Message: "is given twice; first at " + shortPos(r.at(first.NameRange)),
		})
		return true
	})
}

// block reads an HCL block into nested maps: one map for the type of the block and one for each
// label.
func (r *hclReader) block(into *node, path Path, b *hclsyntax.Block, labelled open) {
	child := node{key: b.Type, pos: r.at(b.TypeRange), kind: mapNode}
	path = path.with(b.Type)
	if r.tooMany(child.pos) {
		return
	}
	for i, label := range b.Labels {
		if r.tooMany(child.pos) { // each label becomes a map, which counts as a value
			return
		}
		if bad := checkKey(label); bad != "" {
			r.addProblem(r.at(b.LabelRanges[i]), path, bad, "")
			return
		}
		next := into.child(child.key)
		switch {
		case next == nil:
			into.children = append(into.children, child)
			next = &into.children[len(into.children)-1]
			labelled[path.key()] = true
		case !labelled[path.key()]:
			r.add(into, path, child) // adds the problem of a repeated key
			r.body(&node{kind: mapNode}, path, b.Body)
			return
		}
		into, path = next, path.with(label)
		child = node{key: label, pos: r.at(b.LabelRanges[i]), kind: mapNode}
	}
	if !r.tooDeep(child.pos, path) {
		r.body(&child, path, b.Body)
	}
	r.add(into, path, child)
}
