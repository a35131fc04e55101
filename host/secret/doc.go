// Package secret keeps secrets from being shown, and keeps them at rest.
//
// [Text] is a secret in memory: whatever prints, logs or encodes it gets
// "<secret>", and only Reveal gives it away. [Key] is the host's own key: it
// seals secrets that tenants send over HTTP, so that the registry stores no
// plain text, and it makes keyed digests, so that equal secrets can be found
// equal without anybody being able to guess them from the digest.
package secret
