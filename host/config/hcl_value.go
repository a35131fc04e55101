package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/unicode/norm"
)

const hclValues = `a literal value, a list, a map, env("NAME") or file("PATH")`

// hclPlainText is for who wrote ${...} in a text.
const hclPlainText = `a plain text ("$${" is a literal "${"), or env("NAME") or file("PATH") without quotes for a secret`

// value reads an expression into n, of which key and position are set.
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
			r.refuse(at, path, "is an expression", hclValues)
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
		r.refuse(at, path, "has an interpolation ${...}", hclPlainText)
	default:
		r.refuse(at, path, "is an expression", hclValues)
	}
}

func (r *hclReader) source(e hclsyntax.Expression) string {
	rng := e.Range()
	return string(r.src[rng.Start.Byte:rng.End.Byte])
}

func (r *hclReader) literal(n *node, path Path, e *hclsyntax.LiteralValueExpr) {
	switch {
	case e.Val.IsNull():
	case e.Val.Type() == cty.Bool && e.Val.IsKnown():
		n.scalar = e.Val.True()
	case e.Val.Type() == cty.Number:
		// From the source: cty's number does not tell 1 from 1.0, nor is it
		// what the other formats read from the same text.
		r.number(n, path, r.source(e))
	default:
		r.refuse(r.at(e.SrcRange), path, "is an expression", hclValues)
	}
}

// text joins the parts of a quoted text or heredoc.
func (r *hclReader) text(path Path, e *hclsyntax.TemplateExpr) (string, bool) {
	var b strings.Builder
	for _, part := range e.Parts {
		literal, ok := part.(*hclsyntax.LiteralValueExpr)
		if !ok || literal.Val.Type() != cty.String || !literal.Val.IsKnown() || literal.Val.IsNull() {
			r.refuse(r.at(part.Range()), path, "has an interpolation", hclPlainText)
			return "", false
		}
		s, ok := r.unnormalized(literal)
		if !ok {
			r.refuse(r.at(part.Range()), path, "is a heredoc with text that is not in Unicode's normal form C", "that text in quotes")
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

// unnormalized gives a literal as it was written. cty puts every text in normal
// form C, which changes passwords, and makes HCL and YAML differ.
func (r *hclReader) unnormalized(e *hclsyntax.LiteralValueExpr) (string, bool) {
	s, src := e.Val.AsString(), r.source(e)
	if norm.NFC.IsNormalString(src) && !strings.Contains(src, `\u`) && !strings.Contains(src, `\U`) {
		return s, true
	}
	raw, ok := unescape(src)
	if ok && norm.NFC.String(raw) == s {
		return raw, true
	}
	// A heredoc: backslashes are themselves, and indentation may be cut.
	if raw = unescapeTemplate(src); norm.NFC.String(raw) == s {
		return raw, true
	}
	return s, norm.NFC.String(src) == src
}

// unescape is what HCL does to the inside of a quoted text.
func unescape(src string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(src); {
		if src[i] != '\\' {
			b.WriteByte(src[i])
			i++
			continue
		}
		if i+1 >= len(src) {
			return "", false
		}
		digits := 0
		switch src[i+1] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case '"', '\\':
			b.WriteByte(src[i+1])
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		default:
			return "", false
		}
		i += 2
		if digits > 0 {
			if i+digits > len(src) {
				return "", false
			}
			code, err := strconv.ParseUint(src[i:i+digits], 16, 32)
			if err != nil {
				return "", false
			}
			b.WriteRune(rune(code))
			i += digits
		}
	}
	return unescapeTemplate(b.String()), true
}

func unescapeTemplate(s string) string {
	return strings.NewReplacer("$${", "${", "%%{", "%{").Replace(s)
}

func (r *hclReader) objectKey(path Path, expr hclsyntax.Expression) (string, bool) {
	at := r.at(expr.Range())
	key, ok := expr.(*hclsyntax.ObjectConsKeyExpr)
	if ok && !key.ForceNonLiteral {
		switch e := key.Wrapped.(type) {
		case *hclsyntax.TemplateExpr:
			return r.text(path, e)
		case *hclsyntax.ScopeTraversalExpr, *hclsyntax.LiteralValueExpr:
			// A bare word; true, false and null are words here too.
			if word := r.source(e); hclsyntax.ValidIdentifier(word) {
				return word, true
			}
		}
	}
	r.refuse(at, path, "has a key that is not a plain text", "a word, or a text in quotes")
	return "", false
}

// reference gives what YAML writes for env("NAME") and file("PATH").
func (r *hclReader) reference(path Path, e *hclsyntax.FunctionCallExpr) (string, bool) {
	at := r.at(e.NameRange)
	if e.Name != schemeEnv && e.Name != schemeFile {
		r.refuse(at, path, fmt.Sprintf("calls the function %s", e.Name), hclValues)
		return "", false
	}
	var arg *hclsyntax.TemplateExpr
	if len(e.Args) == 1 && !e.ExpandFinal {
		arg, _ = e.Args[0].(*hclsyntax.TemplateExpr)
	}
	if arg == nil {
		r.refuse(at, path, fmt.Sprintf("calls %s with something else than one text", e.Name), fmt.Sprintf(`%s("...")`, e.Name))
		return "", false
	}
	name, ok := r.text(path, arg)
	if !ok {
		return "", false
	}
	ref := Reference{Scheme: e.Name, Name: name}
	if bad := ref.check(); bad != "" {
		r.refuse(at, path, bad, "")
		return "", false
	}
	return ref.String(), true
}
