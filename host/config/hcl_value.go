package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/unicode/norm"
)

const hclValues = `a literal value, a list, a map, env("NAME") or file("PATH")`

// hclPlainText is the expected part of the problem that a text contains ${...}.
const hclPlainText = `a plain text ("$${" is a literal "${"), or env("NAME") or file("PATH") without quotes for a secret`

// hclNormalText is the expected part of the problem that a text is not in Unicode's normal form
// C.
const hclNormalText = `the same text in that form, as editors write it; or, to keep it as it is, the document in YAML or JSON, or for a secret file("PATH")`

// value reads an expression into n. The caller has set the key and the position of n.
func (r *hclReader) value(n *node, path Path, expr hclsyntax.Expression) {
	at := r.at(expr.Range())
	if r.tooDeep(at, path) || r.tooMany(at) {
		return
	}
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		r.literal(n, path, e)
	case *hclsyntax.UnaryOpExpr:
		number, ok := e.Val.(*hclsyntax.LiteralValueExpr)
		if !ok || e.Op != hclsyntax.OpNegate || number.Val.Type() != cty.Number {
			r.addProblem(at, path, "is an expression", hclValues)
			return
		}
		r.number(n, path, "-"+r.source(number))
	case *hclsyntax.TemplateExpr:
		if text, ok := r.text(path, e); ok {
			n.scalar = text
		}
	case *hclsyntax.TupleConsExpr:
		n.kind = listNode
		for i, item := range e.Exprs {
			child := node{pos: r.at(item.Range())}
			r.value(&child, path.with(strconv.Itoa(i)), item)
			n.children = append(n.children, child)
		}
	case *hclsyntax.ObjectConsExpr:
		n.kind = mapNode
		for _, item := range e.Items {
			key, ok := r.objectKey(path, item.KeyExpr)
			if !ok {
				continue
			}
			child := node{key: key, pos: r.at(item.KeyExpr.Range())}
			r.value(&child, path.with(key), item.ValueExpr)
			r.add(n, path.with(key), child)
		}
	case *hclsyntax.FunctionCallExpr:
		if text, ok := r.reference(path, e); ok {
			n.scalar = text
		}
	case *hclsyntax.TemplateWrapExpr:
		r.addProblem(at, path, "has an interpolation ${...}", hclPlainText)
	default:
		r.addProblem(at, path, "is an expression", hclValues)
	}
}

// source returns the text of an expression as it stands in the document.
func (r *hclReader) source(e hclsyntax.Expression) string {
	rng := e.Range()
	return string(r.src[rng.Start.Byte:rng.End.Byte])
}

// literal reads a number, true, false or null into n.
func (r *hclReader) literal(n *node, path Path, e *hclsyntax.LiteralValueExpr) {
	switch {
	case e.Val.IsNull():
	case e.Val.Type() == cty.Bool && e.Val.IsKnown():
		n.scalar = e.Val.True()
	case e.Val.Type() == cty.Number:
		// The number is parsed from the source, so that all formats parse numbers alike.
		r.number(n, path, r.source(e))
	default:
		r.addProblem(r.at(e.SrcRange), path, "is an expression", hclValues)
	}
}

// text returns the value of a quoted text or a heredoc. It returns false, and adds a problem, if
// the text is not acceptable.
func (r *hclReader) text(path Path, e *hclsyntax.TemplateExpr) (string, bool) {
	var b strings.Builder
	quoted := strings.HasPrefix(r.source(e), `"`)
	for _, part := range e.Parts {
		literal, ok := part.(*hclsyntax.LiteralValueExpr)
		if !ok || literal.Val.Type() != cty.String || !literal.Val.IsKnown() || literal.Val.IsNull() {
			r.addProblem(r.at(part.Range()), path, "has an interpolation", hclPlainText)
			return "", false
		}
		if pos, ok := r.isNormal(literal, quoted); !ok && r.tolerance == strict {
			r.addProblem(pos, path, "has characters that are not in Unicode's normal form C, and HCL would change them", hclNormalText)
			return "", false
		}
		b.WriteString(literal.Val.AsString())
	}
	return b.String(), true
}

// isNormal reports whether a part of a text is in Unicode's normal form C. It also returns the
// position of the first line that is not. The HCL parser converts every text into normal form C.
// That would change a password, and the same document in YAML would have another value.
func (r *hclReader) isNormal(part *hclsyntax.LiteralValueExpr, quoted bool) (Pos, bool) {
	text, pos := r.source(part), r.at(part.SrcRange)
	if quoted {
		text = hclEscape.ReplaceAllStringFunc(text, func(escape string) string {
			code, err := strconv.ParseUint(escape[min(2, len(escape)):], 16, 32)
			if err != nil {
				return escape // not the escape of a code point
			}
			return string(rune(code))
		})
		return pos, norm.NFC.IsNormalString(text)
	}
	// A heredoc has no escapes, and may have many lines.
	normal := norm.NFC.QuickSpanString(text)
	if line := strings.LastIndexByte(text[:normal], '\n'); line >= 0 {
		pos.Line += strings.Count(text[:normal], "\n")
		pos.Column = utf8.RuneCountInString(text[line:normal])
	}
	return pos, norm.NFC.IsNormalString(text)
}

// hclEscape matches one escape of a quoted text. It also matches an escaped backslash, so that
// the characters after the second backslash are not mistaken for an escape.
var hclEscape = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)`)

// objectKey returns the key of one item of an HCL object.
func (r *hclReader) objectKey(path Path, expr hclsyntax.Expression) (string, bool) {
	at := r.at(expr.Range())
	key, ok := expr.(*hclsyntax.ObjectConsKeyExpr)
	if ok && !key.ForceNonLiteral {
		switch e := key.Wrapped.(type) {
		case *hclsyntax.TemplateExpr:
			return r.text(path, e)
		case *hclsyntax.ScopeTraversalExpr, *hclsyntax.LiteralValueExpr:
			// The key is a word without quotes. As a key, each of true, false and null is a text.
			if word := r.source(e); hclsyntax.ValidIdentifier(word) {
				return word, true
			}
		}
	}
	r.addProblem(at, path, "has a key that is not a plain text", "a word, or a text in quotes")
	return "", false
}

// reference returns the reference that env("NAME") or file("PATH") means, as the text that YAML
// has for it: "${env:NAME}" or "${file:PATH}".
func (r *hclReader) reference(path Path, e *hclsyntax.FunctionCallExpr) (string, bool) {
	at := r.at(e.NameRange)
	if e.Name != schemeEnv && e.Name != schemeFile {
		r.addProblem(at, path, fmt.Sprintf("calls the function %s", e.Name), hclValues)
		return "", false
	}
	var arg *hclsyntax.TemplateExpr
	if len(e.Args) == 1 && !e.ExpandFinal {
		arg, _ = e.Args[0].(*hclsyntax.TemplateExpr)
	}
	if arg == nil {
		r.addProblem(at, path, fmt.Sprintf("calls %s with something else than one text", e.Name), fmt.Sprintf(`%s("...")`, e.Name))
		return "", false
	}
	name, ok := r.text(path, arg)
	if !ok {
		return "", false
	}
	ref := Reference{Scheme: e.Name, Name: name}
	if bad := ref.check(); bad != "" {
		r.addProblem(at, path, bad, "")
		return "", false
	}
	return ref.String(), true
}
