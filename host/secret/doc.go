// Package secret keeps secrets from being shown, and seals them for storage.
//
// [Text] is a secret in memory that prints as "<secret>". [Redactor] replaces secrets in texts of
// other programs, such as the output of plugins. [Key] is the host's own key. It seals secrets, so
// that no storage contains a secret in plain text. It also computes keyed digests. Equal secrets
// have equal digests, and without the key a guess of a secret cannot be checked against a digest.
//
// Files:
//
//   - text.go: a secret that cannot be printed by accident.
//   - key.go: sealing, opening and digests; the formats of a key.
//   - key_file.go: loading or creating the host's key file; which files are refused.
//   - redactor.go: which secrets are redacted, and for how long.
//   - redactor_match.go: how a text is searched, and which part of it is replaced.
//   - secret_forms.go: which parts and encodings of a secret a Redactor searches for.
//   - unescape.go: how escapes in a text are undone before the search.
package secret
