// Package config reads the host's and the tenants' configuration.
//
// # From a file to the effective configuration
//
// A value takes these steps. The function that does each is on the right.
//
//	host file, overlay       BOTYARD__A__B       built-in defaults      tenant's documents
//	       |                      |                     |                       |
//	 ReadFile, Parse         environment         builtInDefaults         Parse, ParseStored
//	 (hcl, yaml, json)            |                     |                       |
//	       +----------+-----------+---------------------+                       |
//	                  |                                                         |
//	              LoadHost          checks the host's own keys                  |
//	                  +--------> readSettings  ->  Settings                     |
//	                  |                                                         |
//	        (*Host).inherited       the base merge: what all tenants share      |
//	        (*Host).planned         with the tenant's plan on top               |
//	                  |                                                         |
//	   (*baseMerge).layersForTenant + (*layers).load  <-------------------------+
//	                  |             (*layers).merge drops the keys of the plugin selected before,
//	                  |             and the secrets of an endpoint that changed
//	        (*Host).restrict        what the tenant's own document may set
//	                  |
//	 (*tenantMerge).buildEffective  checks the merged configuration by the schemas
//	   .block                       one plugin's block
//	   .redacted                    secrets become secret.Text or Reference
//	   .limits                      the host's limits
//	   .system                      the prompt with its variables
//	                  |
//	              Effective         what Host.Tenant returns
//	                  |
//	     (*Host).ResolveBlock       the block as its plugin gets it, with secrets
//
// Each function that reads or checks returns [Problems]: all that is wrong, each with the best
// position that is known.
//
// Secrets are literal texts, or references to an environment variable or a file. A reference
// stays what it is until [Host.ResolveBlock]. A literal is wrapped as soon as a schema says that
// its key is secret. No error, no [Entry] and no printed value of this package has a secret in it.
//
// A [Host], a [Document] and an [Effective] are not changed once they were made. Any number of
// goroutines may use them.
//
// # Keys
//
// A key is added as a field with tags; nothing else lists the keys.
//
//   - settings.go: the keys of the host file and their defaults, [Settings].
//   - limits.go: the keys of limits and their defaults, of the host and of a tenant.
//   - tenant_keys.go: the keys of a tenant's documents and their defaults.
//   - key_schema.go: makes the schemas, and the layer of defaults, of these fields.
//   - applies.go: when a changed key of the host file applies; which keys wait for a restart.
//
// # Sources
//
//   - parse.go: which format a file has, how large it may be, and what ParseKept still accepts.
//   - hcl.go, hcl_value.go: HCL; what the parser may be given, and which values are accepted.
//   - yaml.go, yaml_syntax.go: YAML; which values are accepted, and the words for syntax errors.
//   - json.go: JSON.
//   - go_map.go: a map of a Go program, [FromMap].
//   - environment.go, environment_text.go: variables as a layer, and the types of their texts.
//   - number.go: which numbers are accepted, and what type each has.
//   - node.go: what parsers make; where a key given twice, too deep or too many is refused.
//   - document.go, document_edit.go: [Document], its bounds, and changed copies of it.
//   - documents.go: the two documents of a tenant, and which of their texts are secrets.
//   - merge_patch.go: a JSON merge patch of a tenant's document.
//   - position.go, path.go: file, line and column; the path of a key.
//
// # Layers and their merge
//
//   - host.go: [LoadHost], the layers of a host.
//   - layer.go: the order of the layers.
//   - layers.go: how one layer is merged on others, and which keys are dropped with a plugin.
//   - dropped_secret.go: which inherited secrets are dropped when an endpoint changes.
//   - provenance.go: which layer, file and line set a key.
//   - base_merge.go: what tenants share, and when it is merged again.
//   - plan.go: the plans, and which one a tenant has.
//   - tenant.go: [Host.Tenant].
//   - tenant_merge.go: the checks of a tenant's merge, in their order.
//   - inputs.go, schema_snapshot.go: what a merge was made of, to make it again.
//
// # Checks
//
//   - host_check.go: the host's own keys, and what tenants inherit.
//   - metrics_check.go: where metrics may be shown.
//   - block_check.go: a plugin's block, its secrets and references.
//   - limit_ceiling.go: a tenant's limits are at most the host's.
//   - prompt.go: the system prompt and its variables.
//   - retention.go: retention_days.
//   - policy.go, ruling.go, restriction.go: the block tenant_policy; what it says of a key; which
//     part of a tenant's own document is merged.
//   - egress.go, destination.go: which addresses tenants' own layers may name; lookups.
//   - tenant_id.go: which texts are the id of a tenant.
//   - problem.go, wording.go: [Problem], the order and the number of problems, and their words.
//
// # Schemas of plugins
//
//   - schemas.go, plugin_block.go: where schemas come from; which block has which kind, selector
//     and host's keys.
//   - schema.go, schema_marks.go, schema_cursor.go: compiling; the marks of a key; all
//     subschemas that apply at a place.
//   - schema_check.go, schema_message.go, schema_problems.go: how a value does not fit its
//     schema, in words, as problems with positions.
//
// # Results
//
//   - effective.go, explain.go: [Effective] and [Block]; each key with its provenance.
//   - redacted.go, reference.go: how a secret is hidden; the forms of a reference.
//   - resolved_block.go, secret_lookup.go: a block with its secrets; which files and variables
//     a reference reaches.
//   - tokens.go, host_key.go: the API's tokens, and the host's key.
//   - registry_storage.go: the storage of registered tenants.
//   - revision.go, fingerprint.go: the digest of what is effective, and of documents.
//   - sealed_block.go: the stored form of a block.
//   - restored_secrets.go: puts secrets back where a returned document has "<secret>".
package config
