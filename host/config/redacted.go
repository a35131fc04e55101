package config

import (
	"github.com/botyard/botyard/host/secret"
)

// covered gives a block's configuration with its secrets covered. Tenants that
// add nothing to a block share one: most inherit most of their configuration.
func (a *tenantMerge) redacted(b block, schema *Schema, config map[string]any) map[string]any {
	inherited := !a.partial && !a.docs.has(b.key)
	if inherited {
		if shared, ok := a.base.redacted.Load(b.key); ok {
			return shared.(map[string]any)
		}
	}
	out, _ := a.redact(schema.cursor(), config, Path{b.key}).(map[string]any)
	if inherited {
		a.base.redacted.Store(b.key, out)
	}
	return out
}

// cover copies a block's value with each secret replaced by its [Reference] or by
// a text that cannot be printed.
func (a *tenantMerge) redact(c cursor, value any, path Path) any {
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
func (a *tenantMerge) isSealed(path Path) bool {
	doc := a.docs.of(a.layers.provenance.nearest(path).layer)
	return doc.isSealed(path)
}

const secretPlaceholder = secret.Placeholder

func newSecret(text string) secret.Text { return secret.NewText(text) }
