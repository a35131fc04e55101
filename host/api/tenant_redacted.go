package api

import (
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
)

// newTenantWithConfig returns a tenant with its redacted documents. The operator gets both
// documents, and the tenant gets its own document.
func newTenantWithConfig(t registry.Tenant, e *config.Effective, as registry.Author) Tenant {
	out := newTenant(seenBy(as, t))
	own := redactedOwn(t.Documents.Own, e)
	if as == tenantstore.Tenant {
		out.Config = own
		return out
	}
	out.Config = redactedOperator(t.Documents.Operator, e)
	if out.Own != nil {
		out.Own.Config = own
	}
	return out
}

// redact returns the text that replaces a secret.
func redact(config.Path, string) string { return secret.Placeholder }

// redactedOperator returns the operator's document with its secrets redacted. It returns nil if the
// document was never valid, because then the host does not know which values are secret.
func redactedOperator(doc *config.Document, e *config.Effective) map[string]any {
	if doc == nil || e == nil {
		return nil
	}
	operators, _ := e.TenantSecrets()
	return doc.ReplaceText(operators.All(), redact).Values()
}

// redactedOwn returns a tenant's own document with its secrets redacted. It redacts the values that
// were secret when the document was stored, and the values that are secret by the current schema.
func redactedOwn(own *config.Document, e *config.Effective) map[string]any {
	if own == nil {
		return nil
	}
	secrets := own.Marked()
	if e != nil {
		_, now := e.TenantSecrets()
		secrets = append(secrets, now.All()...)
	}
	return own.ReplaceText(secrets, redact).Values()
}
