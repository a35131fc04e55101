// Package secret keeps secrets from being shown, and seals them for storage.
//
// [Text] is a secret in memory that prints as "<secret>". [Redactor] replaces secrets in what
// others print, such as plugins. [Key] is the host's own key. It seals secrets, so that no
// storage has them in plain text. It also makes keyed digests: equal secrets have equal
// digests, and without the key nobody can check a guess of a secret.
//
// Files:
//
//   - text.go: a secret that cannot be printed by accident.
//   - key.go: sealing, opening and digests; the formats of a key.
//   - key_file.go: loading or creating the host's key file; which files are refused.
//   - redactor.go: which secrets are redacted, and for how long.
//   - redactor_match.go: where in a text a secret is found, and what is replaced.
//   - secret_forms.go: the parts and encodings of a secret that are looked for.
//   - unescape.go: undoing escapes in a text before it is searched.
package secret
