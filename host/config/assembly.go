package config

import (
	"fmt"
	"slices"
)

// assembly makes an effective configuration of merged layers and collects what
// is wrong with them.
type assembly struct {
	host     *Host
	base     *folded
	docs     Documents // of the tenant; none if partial
	stack    *stack
	tenant   string
	partial  bool // only the host's layers: what is missing may come with a tenant
	problems Problems

	tree      map[string]any
	schemas   map[string]*Schema // of the blocks, by key
	effective *Effective         // apart: it outlives the rest
}

func (a *assembly) refuse(path Path, message, expected string) {
	a.problems = append(a.problems, a.stack.problem(path, message, expected))
}

// assemble gives nil if there are problems, or if it is partial.
func (a *assembly) assemble() *Effective {
	a.tree = a.stack.values.Raw()
	a.schemas = map[string]*Schema{}
	a.effective = &Effective{Tenant: a.tenant}
	a.effective.Plan, _ = a.tree[planKey].(string)

	a.problems = append(a.problems, a.stack.report(nil, tenantSchema().check(a.tree))...)
	a.problems = append(a.problems, a.stack.removedUnknown(nil, tenantSchema(), a.tree, nil)...)
	for i, into := range []*Block{&a.effective.LLM, &a.effective.Memory, &a.effective.Storage} {
		if a.stack.ctx.Err() != nil {
			return nil // nobody waits for it any more
		}
		*into = a.block(blocks[i])
	}
	a.retention()
	a.owner()
	a.knowledge()
	a.strayReferences()
	a.system()
	a.limits()
	if len(a.problems) > 0 || a.partial {
		return nil
	}
	a.effective.trace = trace{host: a.host, base: a.base, docs: a.docs, asked: a.base.asked}
	for id, known := range a.stack.asked {
		if a.base.asked[id].schema != known.schema {
			a.effective.trace.asked = a.stack.asked
		}
	}
	a.effective.Revision = a.effective.revision(a.host.sealer)
	return a.effective
}

// block checks one plugin's block and gives it with its secrets covered.
func (a *assembly) block(b block) Block {
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
		message, expected := b.missing(a.stack.ctx, a.stack.schemas)
		a.refuse(selector, message, expected)
		return out
	case !isText || name == "":
		return out // reported
	}
	out.Plugin = name
	schema, err := a.stack.schema(b, name)
	if err != nil {
		message, expected := b.unusable(name, err)
		p := a.stack.problem(selector, message, expected)
		p.cause = err
		a.problems = append(a.problems, p)
		return out
	}
	a.schemas[b.key] = schema
	config = b.plugins(config)
	a.checkBlock(b, schema, config)
	out.Config = a.covered(b, schema, config)
	out.Egress = a.egress(b, schema, config)
	return out
}

// misspeltSelector finds keys of a block without a selector that may be meant as one.
func (a *assembly) misspeltSelector(b block, config map[string]any) bool {
	found := false
	for key := range config {
		if near(key, []string{b.selector}) != "" {
			found = true
			message, expected := unknown("unknown key", key, []string{b.selector})
			a.refuse(Path{b.key, key}, message, expected)
		}
	}
	return found
}

// covered gives a block's configuration with its secrets covered. Tenants that
// add nothing to a block share one: most inherit most of their configuration.
func (a *assembly) covered(b block, schema *Schema, config map[string]any) map[string]any {
	inherited := !a.partial && !a.docs.has(b.key)
	if inherited {
		if shared, ok := a.base.covered.Load(b.key); ok {
			return shared.(map[string]any)
		}
	}
	out, _ := a.cover(schema.cursor(), config, Path{b.key}).(map[string]any)
	if inherited {
		a.base.covered.Store(b.key, out)
	}
	return out
}

func (a *assembly) checkBlock(b block, schema *Schema, config map[string]any) {
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
	a.problems = append(a.problems, a.stack.report(at, slices.DeleteFunc(slices.Clone(findings), func(f finding) bool {
		if f.kind == missingKey {
			return a.partial
		}
		// What a reference gives may have the length or form that its text lacks.
		return f.kind == wrongValue && a.isReferenceAt(at.with(f.path...))
	}))...)
	a.problems = append(a.problems, a.stack.removedUnknown(at, schema, config, func(rest Path) bool {
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
			a.refuse(at.with(path...), message, expected)
		}
	})
	if r := sum.refusal(); r != nil {
		a.refuse(at, r.message, r.expected)
	}
}

func (a *assembly) isReferenceAt(path Path) bool {
	c := checker{value: a.tree}
	text, ok := c.got(path).(string)
	return ok && isReference(text)
}

// checkSecret checks one value of a secret key, and adds it to the block's sum; no message
// contains it.
func (a *assembly) checkSecret(path Path, value any, sum *secretSum) {
	text, ok := value.(string)
	if !ok {
		switch value.(type) {
		case int64, float64, bool:
			a.refuse(path, "is "+typeWord(value)+", but its key is one of a secret", "a text in quotes, or a reference")
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
		a.refuse(path, "is a secret that is too long", fmt.Sprintf("at most %d bytes", maxSecret))
	case text == secretPlaceholder:
		a.refuse(path, "is the text that is shown for a secret, not one", "the secret itself, or a reference to it")
	case whole:
		found := ""
		if bad := ref.check(); bad != "" {
			a.refuse(path, bad, "${env:NAME} or ${file:PATH}")
		} else if text, err := a.host.lookup(a.tenant, ref); err != nil {
			a.refuse(path, err.message, err.expected)
		} else {
			found = text
		}
		sum.add(found)
	case hclReference.MatchString(text):
		message, expected, _ := referenceAsText(text)
		a.refuse(path, message, expected)
	case bareVariable.MatchString(text):
		a.refuse(path, "has the form ${NAME}, which is no reference", referenceForms)
	case partReference.MatchString(text):
		a.refuse(path, "has a reference as a part of it", "a reference as the whole value")
	}
}

// reference gives the reference that a secret's text is, with its reach.
func (a *assembly) reference(path Path, text string) (Reference, bool) {
	ref, ok := parseReference(text)
	ref.Tenant = a.stack.places.locate(path).layer.isTenants()
	return ref, ok
}

// cover copies a block's value with each secret replaced by its [Reference] or by
// a text that cannot be printed.
func (a *assembly) cover(c cursor, value any, path Path) any {
	return c.transform(value, path, func(path Path, value any, m marks) any {
		text, ok := value.(string)
		if !ok || !m.secret && !a.isSealed(path) {
			return value
		}
		if ref, whole := a.reference(path, text); whole {
			return ref
		}
		return newSecret(text)
	})
}

// isSealed says whether what is at the path is from a document of the tenant, and was
// kept there as a secret.
func (a *assembly) isSealed(path Path) bool {
	doc := a.docs.of(a.stack.places.locate(path).layer)
	return doc.isSealed(path)
}

// knowledge refuses what no plugin can do yet, instead of ignoring it.
func (a *assembly) knowledge() {
	config, _ := a.tree[knowledge.key].(map[string]any)
	enabled, isBool := config["enabled"].(bool)
	const message, expected = "no knowledge plugin exists yet", "enabled = false"
	switch {
	case enabled:
		a.refuse(Path{knowledge.key, "enabled"}, message, "false")
	case !isBool && config["enabled"] == nil && len(config) > 0:
		a.refuse(Path{knowledge.key}, message, expected)
	}
}

// strayReferences finds references outside of the plugins' blocks.
func (a *assembly) strayReferences() {
	for key, value := range a.tree {
		if slices.ContainsFunc(blocks, func(b block) bool { return b.key == key }) {
			continue
		}
		cursor{}.leaves(Path{key}, value, func(path Path, value any, _ marks) {
			if message, expected, stray := strayReference(value); stray {
				a.refuse(path, message, expected)
			}
		})
	}
}
