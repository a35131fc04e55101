package config

import (
	"github.com/botyard/botyard/host/secret"
)

// redacted returns a block's configuration with its secrets redacted. Tenants whose documents do
// not have the block share one redacted copy, because most tenants inherit most blocks.
func (a *tenantMerge) redacted(b block, schema *Schema, config map[string]any) map[string]any {
	inherited := !a.partial && !a.docs.has(b.path[0])
	if inherited {
		if shared, ok := a.base.redacted.Load(b.path.key()); ok {
			return shared.(map[string]any)
		}
	}
	out, _ := a.redact(schema.cursor(), config, b.path).(map[string]any)
	if inherited {
		a.base.redacted.Store(b.path.key(), out)
	}
	return out
}

// redact returns a copy of value in which each secret is replaced by its [Reference], or by a
// secret.Text, which prints as "<secret>".
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

// isSealed reports whether the value at the path comes from a tenant's document in which
// [Document.MarkSecret] marked it as secret.
func (a *tenantMerge) isSealed(path Path) bool {
	doc := a.docs.of(a.layers.provenance.nearest(path).layer)
	return doc.isSealed(path)
}

// secretPlaceholder is the text that is shown in place of every secret.
const secretPlaceholder = secret.Placeholder

func newSecret(text string) secret.Text { return secret.NewText(text) }
