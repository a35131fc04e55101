package config

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// filled returns head, then format again and again with separator between, then tail. Each "#" in
// format becomes the number of the repetition. The result is as large as a document may be.
func filled(format, separator, head, tail string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; b.Len() < bounds.DocumentBytes-len(tail)-300; i++ {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(strings.ReplaceAll(format, "#", fmt.Sprint(i)))
	}
	b.WriteString(tail)
	return b.String()
}

// costlyDocuments returns documents of the largest allowed size whose shapes make reading and
// checking expensive.
func costlyDocuments() map[string]string {
	const most = bounds.DocumentBytes
	many := strings.Repeat
	long := many("k", 200)
	var indented strings.Builder
	for i := 0; indented.Len() < most-3000; i++ {
		indented.WriteString(many(" ", i) + "a:\n")
	}
	return map[string]string{
		"number.hcl":          "a = " + many("9", most-10),
		"fraction.hcl":        "a = 0." + many("9", most-10),
		"exp.hcl":             "a = 1e1000000000",
		"nexp.hcl":            "a = 1e-1000000000",
		"manyexp.hcl":         filled("v# = 1e99999999", "\n", "", ""),
		"number.json":         `{"a":` + many("9", most-10) + "}",
		"number.yaml":         "a: " + many("9", most-10),
		"exp.json":            `{"a": 1e1000000000}`,
		"nexp.json":           `{"a": 1e-1000000000}`,
		"commas.json":         filled("1", ",", `{"a":[`, "]}"),
		"commas.yaml":         filled("1", ",", `a: [`, "]"),
		"commas.hcl":          filled("1", ",", `a = [`, "]"),
		"dashes.yaml":         filled("-", "\n", "a:\n", "\n"),
		"opens.hcl":           many("[", most-10),
		"opens.json":          many("[", most-10),
		"opens.yaml":          many("[", most-10),
		"maps.yaml":           many("{", most-10),
		"mapsj.json":          many(`{"a":`, most/6),
		"dashdash.yaml":       many("- ", most/2-10),
		"question.yaml":       many("? ", most/2-10),
		"deepindent.yaml":     indented.String(),
		"bang.yaml":           "a: " + many("!", most-10),
		"amp.yaml":            filled("v#: &a# x", "\n", "", ""),
		"alias.yaml":          filled("v#: *a", "\n", "a: &a {x: 1}\n", ""),
		"laughs.yaml":         "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f]\n",
		"merge.yaml":          filled("v#: {<<: *a}", "\n", "a: &a {x: 1}\n", ""),
		"eq.hcl":              many("=", most-10),
		"eqlines.hcl":         many("=\n", most/2-10),
		"quote.hcl":           many(`"`, most-10),
		"interp.hcl":          `a = "` + many("${", most/2-10),
		"minus.hcl":           "a = " + many("-", most-10),
		"plus.hcl":            "a = " + many("1+", most/2-10) + "1",
		"dots.hcl":            "a = b" + many(".c", most/2-10),
		"idx.hcl":             "a = b" + many("[0]", most/3-10),
		"calls.hcl":           "a = " + many("f(", most/2-10),
		"splat.hcl":           "a = b" + many("[*]", most/3-10),
		"cond.hcl":            "a = " + many("1?", most/2-10),
		"or.hcl":              "a = " + many("a||", most/3-10) + "b",
		"heredoc.hcl":         "a = <<E\n" + many("x\n", most/2-10) + "E\n",
		"heredocin.hcl":       "a = <<-E\n" + many("  x\n", most/4-10) + "E\n",
		"heredocs.hcl":        filled("v# = <<E\nE", "\n", "", "\n"),
		"heredocopen.hcl":     filled("v# = <<E", "\n", "", "\n"),
		"for.hcl":             "a = " + many("[for x in ", most/10-10),
		"format.hcl":          `a = format("%1000000d", 1)`,
		"comment.hcl":         many("#\n", most/2-10),
		"braces.hcl":          many("a{}\n", most/4-10),
		"labels.hcl":          "a " + many(`"b" `, most/4-10) + "{}",
		"ident.hcl":           many("a ", most/2-10),
		"nfc.hcl":             `a = "` + many("e\u0301", most/3-10) + `"`,
		"nfclist.hcl":         filled(`"e`+"\u0301"+`#"`, ",", "a = [", "]"),
		"escapes.hcl":         `a = "` + many(`\u0301`, most/6-10) + `"`,
		"dollars.hcl":         `a = "` + many(`$${`, most/3-10) + `"`,
		"escapes.json":        `{"a": "` + many(`\u0001`, most/6-10) + `"}`,
		"invalid.json":        `{"a": "` + many(`\ud800`, most/6-10) + `"}`,
		"spaces.json":         `{` + many(" ", most-10) + `}`,
		"lines.json":          `{` + many("\n", most-10) + `}`,
		"crlf.hcl":            many("\r\n", most/2-10),
		"tabs.yaml":           many("\t\n", most/2-10),
		"colons.yaml":         many(":\n", most/2-10),
		"quoted.yaml":         `a: "` + many(`\x01`, most/4-10) + `"`,
		"literal.yaml":        "a: |\n" + many("  x\n", most/4-10),
		"folded.yaml":         "a: >\n" + many("  x\n\n", most/5-10),
		"comments.yaml":       many("#\n", most/2-10),
		"docs.yaml":           many("---\n", most/4-10),
		"directives.yaml":     many("%a b\n", most/5-10),
		"longkey.yaml":        many("k", most-10) + ": 1",
		"badkeys.yaml":        filled("[#]: 1", "\n", "", "\n"),
		"plain.yaml":          "a: " + many("x\n  ", most/4-10),
		"notblock.yaml":       filled("v#: 1", "\n", "", "\n - x: 1\n"),
		"deepkeys.json":       filled(`"v#": 1`, ",", `{"knowledge_base":{"`+long+`":{"`+long+`":{"`+long+`":{"`+long+`":{"a":{`, `}}}}}}}`),
		"deeplist.json":       filled(`{"a":1}`, ",", `{"knowledge_base":{"enabled":false,"`+long+`":{"`+long+`":{"`+long+`":{"`+long+`":[`, `]}}}}}}`),
		"deepmodels.json":     filled(`"v#"`, ",", `{"llm":{"`+long+`":{"`+long+`":{"`+long+`":{"`+long+`":[`, `]}}}}}}`),
		"longunknown.json":    filled(`"`+long+`#": 1`, ",", `{`, `}`),
		"longunknownllm.json": filled(`"`+long+`#": 1`, ",", `{"llm":{`, `}}`),
		"longvars.json":       filled(`"`+"v"+long+`#": "x"`, ",", `{"prompts":{"system":"{{a}}{{b}}{{c}}","variables":{`, `}}}`),
		"manyundefined.json":  filled(`{{v`+long+`#}}`, "", `{"prompts":{"system":"`, `","variables":{"a":"x"}}}`),
		"models.json":         filled(`"v"`, ",", `{"llm":{"models":[`, `]}}`),
		"prompt.json":         `{"prompts":{"system":"` + many("{{a}}", (most-100)/5) + `","variables":{"a":""}}}`,
		"prompt5.json":        `{"prompts":{"system":"` + many("{{{{", (most-100)/4) + `"}}`,
		"promptbad.json":      `{"prompts":{"system":"` + many("{{-", (most-100)/3) + `"}}`,
		"prompttext.json":     `{"prompts":{"system":"` + many("<", (most-100)) + `"}}`,
		"env.json":            `{"prompts":{"system":"` + many("${env:A}", (most-100)/8) + `"}}`,
	}
}

// TestDocument_costly checks that reading, checking and showing a document allocates a bounded
// number of bytes, whatever the document contains. The processor time is in proportion to the
// allocated bytes. JSON documents have a lower bound than others, because API callers send JSON.
func TestDocument_costly(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates too; make test runs this one without it")
	}
	h := loadHost(t, `defaults: {llm: {provider: openai, model: m, api_key: sk-12345678}}`)
	schemas := testSchemas(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	shapes := costlyDocuments()
	for name, text := range largeDocuments(9_000) {
		shapes["many_"+name] = text
	}
	for name, text := range shapes {
		t.Run(name, func(t *testing.T) {
			most := uint64(1200 << 20)
			if strings.HasSuffix(name, ".json") {
				most = 250 << 20
			}
			done := make(chan uint64, 1)
			go func() {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				judgeAndShow(ctx, t, h, schemas, name, text)
				runtime.ReadMemStats(&after)
				done <- after.TotalAlloc - before.TotalAlloc
			}()
			select {
			case n := <-done:
				if n > most {
					t.Errorf("%d MiB", n>>20)
				}
			case <-ctx.Done():
				t.Fatal("takes minutes")
			}
		})
	}
}

// judgeAndShow parses, merges, explains and resolves a document, as a host does for a tenant's
// document.
func judgeAndShow(ctx context.Context, t *testing.T, h *Host, schemas Schemas, name, text string) {
	if len(text) > bounds.DocumentBytes {
		t.Errorf("a document of %d bytes", len(text))
	}
	p, _ := parserFor(name)
	doc, err := parse(name, []byte(text), p.parse)
	var e *Effective
	if err == nil {
		e, err = h.Tenant(ctx, "acme", Documents{Operator: doc}, schemas)
	}
	if err != nil {
		atMostAHundred(t, err)
		return
	}
	shown, err := json.Marshal(e.Explain())
	if err != nil || len(shown) > 8<<20 {
		t.Errorf("%d bytes are shown, %v", len(shown), err)
	}
	e.TenantSecrets()
	if _, err := h.Resolve(e, e.LLM); err != nil {
		t.Error(err)
	}
}
