// Package schema makes the JSON Schema of a configuration from a Go struct, and reads
// configurations into that struct. Each key is written once, as a tagged field. Plugins use
// it for their own keys; the host uses it for the keys of its files.
//
// Files of this package:
//
//   - schema.go: [Of] decides what schema a struct has.
//   - marks.go: what each word of a botyard tag means, and which words exclude each other.
//   - description.go: how a description is written in a tag.
//   - decode.go: [Decode] decides what a plugin's struct gets from a configuration, and
//     what is refused.
//   - reader.go: [Reader] reads trees that were checked before; the host uses it.
//   - seconds.go: how a time.Duration is read from a number of seconds.
//
// # Tags
//
// json names the key. jsonschema carries required, default, minimum, enum and the like, as
// github.com/invopop/jsonschema reads them. A field of type time.Duration is a number of
// seconds. jsonschema_description documents the key. A tag cannot contain a backquote:
// write 'name' where the text is to have `name`. botyard_expected says in words what a
// pattern wants, or why there is a maximum. botyard_names is the pattern of the names in a
// map.
//
// The botyard tag has words, separated by commas. These words say what a value is:
//
//   - "secret": the value is never shown. It may be a reference.
//   - "endpoint": the value says where secrets are sent.
//   - "noaddress", together with endpoint: the value is not a network address. It is for
//     example the name of a database.
//   - "open", on a struct or a map of structs: keys that the struct does not have are
//     accepted.
//
// These words say who may set the key, where tenants edit their own settings. Without such a
// word the key is the operator's. The tenant may then set it only if the operator's policy
// lists the key's full name.
//
//   - "tenant": the tenant may set it.
//   - "lower-only": the tenant may set it to at most the operator's value, or else to at most
//     the default, or else to anything.
//   - "zero-unlimited", together with lower-only: 0 and negative values mean unlimited. They
//     count as greater than any other value.
//   - "operator-only": the tenant may not set it.
//
// A word of a struct holds for its fields, unless a field has its own. botyard_keys marks
// keys of a map: "NAME=tenant NAME=operator-only".
package schema
