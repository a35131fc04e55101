package api

import "github.com/botyard/botyard/host/config"

// Effective is the effective configuration of a tenant, key by key.
type Effective struct {
	Tenant   string  `json:"tenant"`
	Revision string  `json:"revision"`
	Config   []Entry `json:"config"`
	// Own says whether the tenant's own settings are held, without their contents. It is nil if the
	// tenant has no own settings. Config has no keys of own settings that are held.
	Own *OwnSettings `json:"own,omitempty"`
}

// Entry is one effective key with its provenance.
type Entry struct {
	Path  string `json:"path"`
	Value any    `json:"value"` // "<secret>" for a secret
	Layer string `json:"layer"`
	// File is a file, or a source without a file: a variable, "body" or "registry". With as=tenant, the
	// keys of the operator have none.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Secret bool   `json:"secret,omitempty"`
	// PerHost says that each host counts the limit separately.
	PerHost bool `json:"per_host,omitempty"`
	// Withheld says that Value is null because the request has as=tenant, and the tenant may not set
	// the key.
	Withheld bool `json:"withheld,omitempty"`
	// Dropped says why an inherited key is not effective. Value is then null.
	Dropped string `json:"dropped,omitempty"`
	// TenantMay says what the tenant may do with the key in its own settings: "set", "lower" or
	// "no". If the tenant may not set the key, Rule says why, and Allow is the line of the host
	// file that would allow it.
	TenantMay string `json:"tenant_may"`
	Rule      string `json:"rule,omitempty"`
	Allow     string `json:"allow,omitempty"`
}

// NewEffective returns the JSON form of an effective configuration, with secrets redacted.
func NewEffective(e *config.Effective) Effective { return newEffective(e, e.Explain()) }

func newEffective(e *config.Effective, entries []config.Entry) Effective {
	out := Effective{Tenant: e.Tenant, Revision: e.Revision, Config: []Entry{}}
	for _, entry := range entries {
		out.Config = append(out.Config, Entry{
			Path: entry.Path.String(), Value: entry.Value, Withheld: entry.Withheld, Layer: entry.Layer,
			File: entry.Pos.File, Line: entry.Pos.Line, Column: entry.Pos.Column, Secret: entry.Secret, PerHost: entry.PerHost, Dropped: entry.Dropped,
			TenantMay: entry.May, Rule: entry.Rule, Allow: entry.Allow,
		})
	}
	return out
}
