package config

import "encoding/json"

// fingerprintLength is the number of characters of a fingerprint.
const fingerprintLength = 16

// Fingerprint returns a short digest of a tenant's documents. It differs for each difference of
// the documents, also for one that changes nothing effective. It is keyed, so that nobody can try
// guesses of a secret against it. It is equal on all hosts that have the same key.
func (h *Host) Fingerprint(docs Documents) string {
	content, err := json.Marshal([]any{docs.Operator.Values(), docs.Own != nil, docs.Own.Values()})
	if err != nil {
		panic(err) // unreachable: maps, lists and finite scalars
	}
	return h.sealer.Digest(content)[:fingerprintLength]
}
