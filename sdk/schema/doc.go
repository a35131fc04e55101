// Package schema builds the JSON Schema of a configuration from a Go struct, and reads
// configurations into that struct. Each key is written once, as a tagged field. Plugins use the
// package for their own keys, and the host for the keys of its files.
//
// Files of this package:
//
//   - schema.go: [Of] returns the schema of a struct.
//   - marks.go: the meaning of each word of a botyard tag, and which words exclude each other.
//   - description.go: how a tag contains a description.
//   - decode.go: [Decode] reads a plugin's configuration into a struct, or refuses it.
//   - override.go: [Override] lets the values of one request count instead of the configured ones.
//   - reader.go: [Reader] reads trees that were checked before. The host uses it.
//   - seconds.go: how a time.Duration is read from a number of seconds.
//
// # Tags
//
// The tag json names the key. The tag jsonschema has required, default, minimum, enum and other
// words of github.com/invopop/jsonschema. A field of type time.Duration is a number of seconds. The
// tag jsonschema_description documents the key. A tag cannot contain a backquote: write 'name' to
// get `name`. The tag botyard_expected describes the values that a pattern allows, or gives the
// reason for a maximum. The tag botyard_names is the pattern of the names in a map.
//
// The botyard tag has words, separated by commas. These words say what a value is:
//
//   - "secret": the value is never shown. It may be a reference.
//   - "endpoint": the value says where secrets are sent.
//   - "noaddress", together with endpoint: the value is not a network address. It is for
//     example the name of a database.
//   - "open", on a struct, or on a map or a list of structs: keys that the struct does not have are
//     accepted.
//   - "plugin=KIND" and "role=ROLE", on a [PluginBlock] at the top of the configuration: the
//     block selects and configures another plugin of that kind. The plugin whose configuration
//     this is does not get the block. It calls the nested plugin by its role, through the host.
//   - "override": a request may override the value.
//
// These words say who may set the key when tenants edit their own settings. If a key has none of
// these words, the operator sets it. A tenant may then set it only if the operator's policy lists
// the key's full name.
//
//   - "tenant": the tenant may set it.
//   - "lower-only": the tenant may set it to at most the operator's value. If the operator
//     has set no value, the default is the maximum. Without a default there is no maximum.
//   - "zero-unlimited", together with lower-only: 0 and negative values mean unlimited. They
//     count as greater than any other value.
//   - "operator-only": the tenant may not set it.
//
// A word on a struct applies to those of its fields that have no word of their own. The tag
// botyard_keys has words for single keys of a map: "NAME=tenant NAME=operator-only,override".
package schema
