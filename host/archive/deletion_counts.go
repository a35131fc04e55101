package archive

import "github.com/botyard/botyard/host/config"

// Count has the numbers of deleted conversations and turns of one incarnation of a tenant in
// one storage.
type Count struct {
	Storage       string `json:"storage"`     // the storage's label
	Digest        string `json:"digest"`      // the digest of the storage's configuration
	Incarnation   string `json:"incarnation"` // empty if the tenant has no named incarnations
	Conversations int64  `json:"conversations"`
	Turns         int64  `json:"turns"`
	// Emptied counts the turns that stay without their contents, because other users wrote in
	// their conversation.
	Emptied int64 `json:"emptied,omitempty"`
	// Abandoned reports that nothing was deleted in the storage, because the caller named it in
	// DeletionOptions.Abandon.
	Abandoned bool `json:"abandoned,omitempty"`
}

// Counts are the counts of all incarnations and storages of a tenant.
type Counts []Count

// Total returns how many conversations and turns were deleted.
func (c Counts) Total() (conversations, turns int64) {
	for _, one := range c {
		conversations += one.Conversations
		turns += one.Turns
	}
	return conversations, turns
}

// Emptied returns how many turns lost their contents and stay.
func (c Counts) Emptied() (turns int64) {
	for _, one := range c {
		turns += one.Emptied
	}
	return turns
}

// of returns the count of an incarnation in a storage. If c has no such count, of adds one. The
// returned pointer is valid until the next call of of.
func (c *Counts) of(incarnation string, b config.SealedBlock) *Count {
	for i := range *c {
		if one := &(*c)[i]; one.Incarnation == incarnation && one.Digest == b.Digest {
			return one
		}
	}
	*c = append(*c, Count{Storage: b.Label(), Digest: b.Digest, Incarnation: incarnation})
	return &(*c)[len(*c)-1]
}
