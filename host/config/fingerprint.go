package config

import "encoding/json"

// fingerprintLength is in characters of a digest.
const fingerprintLength = 16

// Fingerprint tells versions of a tenant's documents apart, also where their difference
// changes nothing that is effective. Nobody can try guesses of a secret against it. It is
// equal on all hosts that have the same key.
func (h *Host) Fingerprint(docs Documents) string {
	content, err := json.Marshal([]any{docs.Operator.Values(), docs.Own != nil, docs.Own.Values()})
	if err != nil {
		panic(err) // unreachable: maps, lists and finite scalars
	}
	return h.sealer.Digest(content)[:fingerprintLength]
}
