package api

import (
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
)

// newTenantWithConfig returns a tenant with its documents, redacted: for the operator both
// documents, for the tenant its own.
func newTenantWithConfig(t registry.Tenant, e *config.Effective, as registry.Author) Tenant {
	out := newTenant(t)
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

// redact returns what is shown in the place of a secret.
func redact(config.Path, string) string { return secret.Placeholder }

// redactedOperator returns the operator's document with its secrets redacted. It returns
// nil if the document was never valid, because then its secrets are not known.
func redactedOperator(doc *config.Document, e *config.Effective) map[string]any {
	if doc == nil || e == nil {
		return nil
	}
	operators, _ := e.TenantSecrets()
	return doc.ReplaceText(operators.All(), redact).Values()
}

// redactedOwn returns a tenant's own document with its secrets redacted: those that were
// secret when it was put, and those that are secret by today's schema.
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
