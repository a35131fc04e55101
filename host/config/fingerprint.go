package config

import "encoding/json"

// fingerprintLength is the number of characters of a fingerprint.
const fingerprintLength = 16

// Fingerprint returns a short keyed digest of a tenant's documents. Any difference between
// documents changes the digest, even a difference without effect. Without the key, a guess of a
// secret cannot be checked against the digest. Hosts with the same key compute equal digests.
func (h *Host) Fingerprint(docs Documents) string {
	content, err := json.Marshal([]any{docs.Operator.Values(), docs.Own != nil, docs.Own.Values()})
	if err != nil {
		panic(err) // unreachable: JSON can encode maps, lists and finite scalars
	}
	return h.sealer.Digest(content)[:fingerprintLength]
}
