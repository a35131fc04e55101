package config

import (
	"fmt"
	"slices"
)

// block checks one plugin's block and gives it with its secrets covered.
func (a *tenantMerge) block(b block) Block {
	out := Block{Kind: b.kind}
	value, given := a.tree[b.key]
	config, isMap := value.(map[string]any)
	if given && !isMap {
		return out // a wrong type, reported
	}
	selector := Path{b.key, b.selector}
	name, isText := config[b.selector].(string)
	switch _, given := config[b.selector]; {
	case !given && a.misspeltSelector(b, config):
		return out
	case !given && a.partial:
		return out
	case !given:
		message, expected := b.missing(a.layers.ctx, a.layers.schemas)
		a.addProblem(selector, message, expected)
		return out
	case !isText || name == "":
		return out // reported
	}
	out.Plugin = name
	schema, err := a.layers.schema(b, name)
	if err != nil {
		message, expected := b.unusable(name, err)
		p := a.layers.problem(selector, message, expected)
		p.cause = err
		a.problems = append(a.problems, p)
		return out
	}
	a.schemas[b.key] = schema
	config = b.plugins(config)
	a.checkBlock(b, schema, config)
	out.Config = a.redacted(b, schema, config)
	out.Egress = a.egress(b, schema, config)
	return out
}

// misspeltSelector finds keys of a block without a selector that may be meant as one.
func (a *tenantMerge) misspeltSelector(b block, config map[string]any) bool {
	found := false
	for key := range config {
		if near(key, []string{b.selector}) != "" {
			found = true
			message, expected := unknown("unknown key", key, []string{b.selector})
			a.addProblem(Path{b.key, key}, message, expected)
		}
	}
	return found
}

func (a *tenantMerge) checkBlock(b block, schema *Schema, config map[string]any) {
	at := Path{b.key}
	findings := schema.check(config)
	for i, f := range findings {
		if f.kind == unknownKey && len(f.path) == 1 {
			known := append(schema.cursor().keys(), b.hosts...)
			if near(f.path[0], known) == "" { // else that is meant, and not the selector
				known = append(known, b.selector)
			}
			findings[i].message, findings[i].expected = unknown("unknown key", f.path[0], known)
		}
	}
	a.problems = append(a.problems, a.layers.schemaProblems(at, slices.DeleteFunc(slices.Clone(findings), func(f finding) bool {
		if f.kind == missingKey {
			return a.partial
		}
		// What a reference gives may have the length or form that its text lacks.
		return f.kind == wrongValue && a.isReferenceAt(at.with(f.path...))
	}))...)
	a.problems = append(a.problems, a.layers.unknownNulls(at, schema, config, func(rest Path) bool {
		return b.isHosts(rest[0])
	})...)
	wrongTypes := map[string]bool{}
	for _, f := range findings {
		if f.kind == wrongType {
			wrongTypes[f.path.key()] = true
		}
	}
	sum := secretSum{}
	schema.cursor().leaves(nil, config, func(path Path, value any, m marks) {
		if wrongTypes[path.key()] {
			return
		}
		if m.secret {
			a.checkSecret(at.with(path...), value, &sum)
		} else if message, expected, stray := strayReference(value); stray {
			a.addProblem(at.with(path...), message, expected)
		}
	})
	if r := sum.secretProblem(); r != nil {
		a.addProblem(at, r.message, r.expected)
	}
}

func (a *tenantMerge) isReferenceAt(path Path) bool {
	c := checker{value: a.tree}
	text, ok := c.valueAt(path).(string)
	return ok && isReference(text)
}

// checkSecret checks one value of a secret key, and adds it to the block's sum; no message
// contains it.
func (a *tenantMerge) checkSecret(path Path, value any, sum *secretSum) {
	text, ok := value.(string)
	if !ok {
		switch value.(type) {
		case int64, float64, bool:
			a.addProblem(path, "is "+typeWord(value)+", but its key is one of a secret", "a text in quotes, or a reference")
		}
		return
	}
	ref, whole := a.reference(path, text)
	more := sum.mayHaveMore()
	if !whole || !more {
		sum.add(text)
	}
	switch {
	case !more: // which is said of the block
	case !whole && len(text) > maxSecret:
		a.addProblem(path, "is a secret that is too long", fmt.Sprintf("at most %d bytes", maxSecret))
	case text == secretPlaceholder:
		a.addProblem(path, "is the text that is shown for a secret, not one", "the secret itself, or a reference to it")
	case whole:
		found := ""
		if bad := ref.check(); bad != "" {
			a.addProblem(path, bad, "${env:NAME} or ${file:PATH}")
		} else if text, err := a.host.lookup(a.tenant, ref); err != nil {
			a.addProblem(path, err.message, err.expected)
		} else {
			found = text
		}
		sum.add(found)
	case hclReference.MatchString(text):
		message, expected, _ := referenceAsText(text)
		a.addProblem(path, message, expected)
	case bareVariable.MatchString(text):
		a.addProblem(path, "has the form ${NAME}, which is no reference", referenceForms)
	case partReference.MatchString(text):
		a.addProblem(path, "has a reference as a part of it", "a reference as the whole value")
	}
}

// reference gives the reference that a secret's text is, with its reach.
func (a *tenantMerge) reference(path Path, text string) (Reference, bool) {
	ref, ok := parseReference(text)
	ref.Tenant = a.layers.provenance.nearest(path).layer.isTenants()
	return ref, ok
}
