package chat

import (
	"bytes"
	"encoding/json"
)

// UnmarshalJSON decodes a part. It also accepts the form that was written before the protocol
// had media and provider states: an image is media then, and the signature of reasoning is a
// provider state whose maker is not known. A member that neither form has is an error.
func (p *Part) UnmarshalJSON(text []byte) error {
	type current Part // without this method
	in := struct {
		*current
		Image     *legacyImage     `json:"image"`
		Reasoning *legacyReasoning `json:"reasoning"`
	}{current: (*current)(p)}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return err
	}
	if i := in.Image; i != nil {
		p.Media = &Media{Kind: Image, MediaType: i.MediaType, Data: i.Data, URL: i.URL}
	}
	if r := in.Reasoning; r != nil {
		p.Reasoning = &r.Reasoning
		if len(r.Signature) > 0 {
			p.State = &ProviderState{Data: r.Signature}
		}
	}
	return nil
}

// legacyImage is what Media was before there were other media.
type legacyImage struct {
	MediaType string `json:"media_type"`
	Data      []byte `json:"data"`
	URL       string `json:"url"`
}

// legacyReasoning has the signature that reasoning had before all parts could have a state.
type legacyReasoning struct {
	Reasoning
	Signature []byte `json:"signature"`
}
