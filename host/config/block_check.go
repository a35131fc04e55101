package config

import (
	"fmt"
	"slices"
)

// block checks the configuration block of one plugin and returns the block with its secrets
// redacted. It adds a problem for each mistake.
func (a *tenantMerge) block(b block) Block {
	out := Block{Kind: b.kind}
	if b.role != "" || b.element {
		out.nesting = &nesting{path: b.path, role: b.role}
	}
	value := (&checker{value: a.tree}).valueAt(b.path)
	above := mapAt(a.tree, b.path[:len(b.path)-1])
	_, given := above[b.path[len(b.path)-1]]
	config, isMap := value.(map[string]any)
	if (given || b.element) && !isMap {
		return out // the check by the schema of the tenant or of the outer plugin reports the wrong type
	}
	selector := b.path.with(b.selector)
	name, isText := config[b.selector].(string)
	switch value, given := config[b.selector]; {
	case !given && a.misspeltSelector(b, config):
		return out
	case !given && a.partial && !b.element:
		return out
	case !given:
		message, expected := b.missing(a.layers.ctx, a.layers.schemas)
		a.addProblem(selector, message, expected)
		return out
	case (!isText || name == "") && b.role != "":
		a.addProblem(selector, "is "+typeWord(value)+", and selects no plugin", "the name of "+article(b.kind)+" plugin")
		return out
	case !isText || name == "":
		return out // the check by the tenant schema reports the wrong selector
	}
	out.Plugin = name
	schema, err := a.layers.schema(b, name)
	if err != nil {
		why := b.unusable(name, err)
		p := a.layers.problem(selector, why.Message, why.Expected)
		p.forTenant, p.cause = why.forTenant, why.cause
		a.problems = append(a.problems, p)
		return out
	}
	a.schemas[b.path.key()] = schema
	config = b.plugins(config)
	a.checkBlock(b, schema, config)
	for _, n := range b.nested(schema) {
		if _, isMap := config[n.path[len(n.path)-1]].(map[string]any); isMap { // the schema reports another type
			if out.nesting == nil {
				out.nesting = &nesting{}
			}
			out.nesting.inner = append(out.nesting.inner, a.block(n))
		}
	}
	config = schema.own(config)
	out.Config = a.redacted(b, schema, config)
	out.Egress = a.egress(b, schema, config)
	return out
}

// misspeltSelector reports whether a block without a selector has keys whose names resemble the
// selector. It adds a problem for each such key.
func (a *tenantMerge) misspeltSelector(b block, config map[string]any) bool {
	found := false
	for key := range config {
		if near(key, []string{b.selector}) != "" {
			found = true
			message, expected := unknown("unknown key", key, []string{b.selector})
			a.addProblem(b.path.with(key), message, expected)
		}
	}
	return found
}

// checkBlock checks a block by its plugin's schema, and checks the secrets and references in the
// block.
func (a *tenantMerge) checkBlock(b block, schema *Schema, config map[string]any) {
	at := b.path
	findings := schema.check(schema.withEmptyNested(config))
	for i, f := range findings {
		if f.kind == unknownKey && len(f.path) == 1 {
			findings[i].message, findings[i].expected = b.unknownKey(schema, f.path[0])
		}
	}
	a.problems = append(a.problems, a.layers.schemaProblems(at, slices.DeleteFunc(slices.Clone(findings), func(f finding) bool {
		if f.kind == missingKey && a.partial && !b.element {
			if a.incomplete == nil {
				a.incomplete = map[string]bool{}
			}
			a.incomplete[at.key()] = true
			return true
		}
		if f.kind == missingKey {
			return false
		}
		// A reference may have another length or form than the schema demands of the secret itself.
		return f.kind == wrongValue && a.isReferenceAt(at.with(f.path...))
	}))...)
	a.problems = append(a.problems, a.layers.unknownNulls(at, schema, config, func(rest Path) bool {
		return b.isHosts(rest[0]) || len(rest) > 1 && schema.nested[rest[0]] != nil
	})...)
	wrongTypes := map[string]bool{}
	for _, f := range findings {
		if f.kind == wrongType {
			wrongTypes[f.path.key()] = true
		}
	}
	sum := secretSum{}
	schema.cursor().leaves(nil, schema.own(config), func(path Path, value any, m marks) {
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

// unknownKey returns the message and the expected words for a key that the block does not have.
// If the key has the name of a limit, the message points to the block limits.
func (b block) unknownKey(schema *Schema, key string) (string, string) {
	if isLimit(key) {
		return "unknown key; set " + limitsKey + "." + key + " instead", ""
	}
	known := append(schema.cursor().keys(), b.hosts...)
	if near(key, known) == "" { // suggest the selector only if no other key is near
		known = append(known, b.selector)
	}
	return unknown("unknown key", key, known)
}

// isReferenceAt reports whether the value at the path is the text of a reference.
func (a *tenantMerge) isReferenceAt(path Path) bool {
	c := checker{value: a.tree}
	text, ok := c.valueAt(path).(string)
	return ok && isReference(text)
}

// checkSecret checks one value of a secret key and adds the value to the sum of the block's
// secrets. No message contains the value.
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
	case !more: // secretSum.secretProblem reports too many secrets once for the block
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
			if a.layers.provenance.nearest(path).layer != ownLayer { // the message names a variable or a file of the operator
				a.problems.tellTenant("missing secret: one of the operator's settings; the operator can see which")
			}
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

// reference parses a text as a reference and reports whether the text is one. A reference in a
// tenant's document is marked, because it may read only what its tenant may use.
func (a *tenantMerge) reference(path Path, text string) (Reference, bool) {
	ref, ok := parseReference(text)
	ref.Tenant = a.layers.provenance.nearest(path).layer.isTenants()
	return ref, ok
}
