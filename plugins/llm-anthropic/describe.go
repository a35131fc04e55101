package anthropic

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// maxDescription is the most bytes of a response that describes a model.
const maxDescription = sdk.MaxUpstreamErrorBytes

// described is what is known of a model. A number that is 0 and a pointer that is nil are unknown.
type described struct {
	context               int64 // most tokens of the input
	reply                 int64 // most tokens of a reply
	images, pdfs, schemas *bool // whether the model takes images, PDFs, and response formats with a schema
}

// describe asks the server for its description of the model. ok is false if the server describes no
// models, which is so for some servers that only resemble Anthropic's. Errors are of package fault.
func (m *Model) describe(ctx context.Context) (d described, ok bool, err error) {
	// The request has the API version of requests without temperature, top_p and top_k, and no betas.
	own := settings{base: m.base}
	resp, err := m.send(ctx, http.MethodGet, "v1/models/"+url.PathEscape(m.Model), nil, own.options())
	if err != nil {
		if f := fault.Of(err); !m.ownAPI() && f.Path.String() == "base_url" && hasNoRoute(f.UpstreamStatus) {
			return d, false, nil
		}
		return d, false, err
	}
	defer resp.Close()
	text, err := resp.ReadAll(maxDescription)
	if err != nil {
		return d, false, err
	}
	var info api.ModelInfo
	if err := json.Unmarshal(text, &info); err != nil || info.ID == "" {
		if !m.ownAPI() {
			return d, false, nil
		}
		return d, false, m.noAPI(resp.Status)
	}
	return descriptionOf(&info), true, nil
}

// hasNoRoute reports whether the status says that the server has no such path.
func hasNoRoute(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// descriptionOf returns what a description says of a model. What the description leaves out is unknown.
func descriptionOf(info *api.ModelInfo) described {
	d := described{context: max(0, info.MaxInputTokens), reply: max(0, info.MaxTokens)}
	c := &info.Capabilities
	for to, from := range map[**bool]*api.CapabilitySupport{&d.images: &c.ImageInput, &d.pdfs: &c.PDFInput, &d.schemas: &c.StructuredOutputs} {
		if from.JSON.Supported.Valid() {
			*to = new(from.Supported) // a pointer to the field would keep the whole description
		}
	}
	return d
}

// Check implements sdk.Checker. It asks the server to describe the model, and generates no reply. It
// finds a server that does not answer, an API key that the server does not accept, and a missing model.
// It does not find an account without credit. It returns fault.Unsupported for a server that describes
// no models.
func (m *Model) Check(ctx context.Context) error {
	_, ok, err := m.describe(ctx)
	if err == nil && !ok {
		return fault.New(fault.Unsupported, "%s describes no models", m.client.Server())
	}
	if f := fault.Of(err); f != nil && f.Class == fault.Deadline {
		return fault.New(fault.Deadline, "%s did not answer in time", m.client.Server()).At("base_url")
	}
	return err
}
