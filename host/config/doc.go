// Package config reads the host's and the tenants' configuration.
//
// # From a file to the effective configuration
//
// This picture shows the way of a value through the functions of this package.
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
//	        (*Host).inherited       the base merge: shared by all tenants       |
//	        (*Host).planned         with the tenant's plan on top               |
//	                  |                                                         |
//	   (*baseMerge).layersForTenant + (*layers).load  <-------------------------+
//	                  |             (*layers).merge drops the keys of the plugin selected before,
//	                  |             and the secrets of an endpoint that changed
//	        (*Host).restrict        refuses what the tenant itself may not set
//	                  |
//	 (*tenantMerge).buildEffective  checks the merged configuration by the schemas
//	   .block                       one plugin's block
//	   .redacted                    secrets become secret.Text or Reference
//	   .limits                      the host's limits
//	   .prompts                     the prompts with their variables
//	                  |
//	              Effective         what Host.Tenant returns
//	                  |
//	     (*Host).ResolveBlock       the block for its plugin, with secrets
//
// A function that reads or checks a configuration returns [Problems]. It reports all mistakes at
// once, each with the most exact position that is known.
//
// A secret is a literal text, or a reference to an environment variable or a file. Only
// [Host.ResolveBlock] replaces a reference by its secret. A literal becomes a secret.Text as soon
// as a schema says that its key is secret. No error, no [Entry] and no printed value of this
// package contains a secret.
//
// A [Host], a [Document] and an [Effective] are safe for concurrent use. A [Document] and an
// [Effective] are immutable.
//
// # Keys
//
// To add a key, add a field with tags to a struct in one of these files. The keys are listed
// nowhere else.
//
//   - settings.go: the keys of the host file and their defaults, [Settings].
//   - limits.go: the keys of limits and their defaults, of the host and of a tenant.
//   - tenant_keys.go: the keys of a tenant's documents and their defaults.
//   - key_schema.go: builds the schemas and the layer of defaults from these fields.
//   - applies.go: when a changed key of the host file applies; which keys wait for a restart.
//
// # Sources
//
//   - parse.go: the format and the maximum size of a file; what [ParseKept] accepts beyond [Parse].
//   - hcl.go, hcl_value.go: HCL; the bounds of the parser's input, and which values are accepted.
//   - yaml.go, yaml_syntax.go: YAML; which values are accepted, and messages for syntax errors.
//   - json.go: JSON.
//   - go_map.go: a map of a Go program, [FromMap].
//   - environment.go, environment_text.go: environment variables as a layer; their conversion to
//     the types of their keys.
//   - number.go: which numbers are accepted, and which Go type each number gets.
//   - node.go: the tree that parsers build. It refuses repeated keys, values that are nested too
//     deeply, and too many values.
//   - document.go, document_edit.go: [Document], its bounds, and changed copies of it.
//   - documents.go: the two documents of a tenant, and which of their texts are secrets.
//   - merge_patch.go: a JSON merge patch of a tenant's document.
//   - position.go, path.go: file, line and column; the path of a key.
//
// # Layers and their merge
//
//   - host.go: [LoadHost], the layers of a host.
//   - layer.go: the order of the layers.
//   - layers.go: how a layer is merged on lower layers; which keys are dropped when a layer selects
//     another plugin.
//   - dropped_secret.go: which inherited secrets are dropped when an endpoint changes.
//   - provenance.go: which layer, file and line set a key.
//   - base_merge.go: the merge that tenants share, and when it is repeated.
//   - plan.go: the plans, and which plan a tenant has.
//   - tenant.go: [Host.Tenant].
//   - tenant_merge.go: the checks of a tenant's merge, in their order.
//   - inputs.go, schema_snapshot.go: documents and schemas from which a merge can be repeated.
//
// # Checks
//
//   - host_check.go: the host's own keys, and the keys that tenants inherit.
//   - metrics_check.go: the address on which the host serves metrics.
//   - block_check.go: a plugin's block, its secrets and references.
//   - limit_ceiling.go: a tenant's limits, which the host's limits bound.
//   - prompt.go: the prompts and their variables.
//   - retention.go: retention_days.
//   - memories.go: which memory plugins a tenant may have.
//   - policy.go, ruling.go, restriction.go: the block tenant_policy; whether it lets a tenant set a
//     key; which part of a tenant's own document is merged.
//   - egress.go, destination.go: which addresses tenants' own settings may contain; name lookups.
//   - tenant_id.go: which texts are valid ids of tenants.
//   - library_key.go: what to write in place of a key of the library dataknobs-bots.
//   - problem.go, wording.go: [Problem]; the order and the number of problems; words of messages.
//
// # Schemas of plugins
//
//   - schemas.go, plugin_block.go: where schemas come from; the kind and the selector of each
//     block, and its keys that the host reads itself.
//   - fallback_block.go: the blocks of llm.fallback, and what a tenant may write in them.
//   - nested_block.go: nested plugin blocks: their marks in a schema, and where a tree has them.
//   - schema_probe.go: what a schema has, for tests of plugins
//   - schema.go, schema_marks.go, schema_cursor.go: compiling a schema; the marks of a key; all
//     subschemas that apply to a value.
//   - schema_check.go, schema_message.go, schema_problems.go: the mistakes that a schema finds in a
//     value; their messages; their positions.
//
// # Results
//
//   - effective.go, explain.go: [Effective] and [Block]; each key with its provenance.
//   - redacted.go, reference.go: how a secret is hidden; the forms of a reference.
//   - resolved_block.go, secret_lookup.go: a block with its secrets; which files and variables a
//     reference may read.
//   - tokens.go, host_key.go: the API's tokens, and the host's key.
//   - registry_storage.go: the storage of registered tenants.
//   - revision.go, fingerprint.go: the digests of an effective configuration and of documents.
//   - sealed_block.go: the stored form of a block.
//   - restored_secrets.go: puts secrets back where an edited document has "<secret>".
//   - restored_list.go: which element of a list before its edit an element of it is.
package config
