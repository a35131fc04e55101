package archive

import "github.com/botyard/botyard/host/config"

// Count tells how much was deleted of one incarnation of a tenant in one storage.
type Count struct {
	Storage       string `json:"storage"`     // the storage's label
	Digest        string `json:"digest"`      // the digest of the storage's configuration
	Incarnation   string `json:"incarnation"` // empty if the tenant has no named incarnations
	Conversations int64  `json:"conversations"`
	Turns         int64  `json:"turns"`
	// Emptied counts turns whose contents were erased and which stay, since others wrote in
	// their conversation.
	Emptied int64 `json:"emptied,omitempty"`
	// Abandoned reports that the storage was not asked, as the caller wanted.
	Abandoned bool `json:"abandoned,omitempty"`
}

// Counts are the counts of all incarnations and storages of a tenant.
type Counts []Count

// Total returns how much was deleted.
func (c Counts) Total() (conversations, turns int64) {
	for _, one := range c {
		conversations += one.Conversations
		turns += one.Turns
	}
	return conversations, turns
}

// Emptied returns how many turns were emptied.
func (c Counts) Emptied() (turns int64) {
	for _, one := range c {
		turns += one.Emptied
	}
	return turns
}

// of returns the count of an incarnation in a storage. It adds one if there is none. The
// pointer is valid until the next call.
func (c *Counts) of(incarnation string, b config.SealedBlock) *Count {
	for i := range *c {
		if one := &(*c)[i]; one.Incarnation == incarnation && one.Digest == b.Digest {
			return one
		}
	}
	*c = append(*c, Count{Storage: b.Label(), Digest: b.Digest, Incarnation: incarnation})
	return &(*c)[len(*c)-1]
}
