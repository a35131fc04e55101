package openaillm

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/upstream"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

// services are the parts of OpenAI's Go client that the plugin uses. Unlike openai.NewClient, they read
// no environment variables. They never repeat a request, because the host decides about that. With the
// whole client, the plugin's binary would be twice as large.
type services struct {
	chat       openai.ChatCompletionService
	responses  responses.ResponseService
	embeddings openai.EmbeddingService
}

// newServices returns services that send their requests below base with client.
func newServices(base *url.URL, client *upstream.Client) services {
	options := []option.RequestOption{
		option.WithBaseURL(base.String()), option.WithHTTPClient(client.HTTP()), option.WithMaxRetries(0),
	}
	return services{
		chat: openai.NewChatCompletionService(options...), responses: responses.NewResponseService(options...),
		embeddings: openai.NewEmbeddingService(options...),
	}
}

// The media types of responses.
const (
	eventStream = "text/event-stream"
	jsonType    = "application/json"
)

// call is a request to the API.
type call struct {
	model  string // the model of the request
	key    string // the configuration key that names the model; errors blame it
	accept string // the media type of the header Accept
	// do sends the request with a service of OpenAI's client. It passes the options on to the client, which
	// then leaves the body of the response unread.
	do func(ctx context.Context, options ...option.RequestOption) error
}

// send sends a request once. It returns a response with a status of success, which the caller closes.
// Its errors are of package fault.
func (m *Model) send(ctx context.Context, c *call) (*upstream.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Of(err)
	}
	var raw *http.Response
	err := c.do(ctx, append(m.route(c), option.WithHeader("Accept", c.accept), option.WithResponseBodyInto(&raw))...)
	if raw == nil || err != nil && raw.StatusCode < http.StatusBadRequest { // the second condition is a redirect
		if raw != nil {
			_ = raw.Body.Close()
		}
		return nil, m.client.Unreachable(ctx, err)
	}
	return m.accepted(ctx, m.client.Response(raw), c)
}

// get sends a GET request for a path below the API's base URL. Errors name the model and its
// configuration key. The caller closes the response.
func (m *Model) get(ctx context.Context, path, model, key string) (*upstream.Response, error) {
	r := &upstream.Request{Method: http.MethodGet, Path: path, Accept: jsonType}
	if m.Azure != nil {
		r.Path = strings.TrimPrefix(m.azurePath(), "/") + path
		if m.Azure.APIVersion != "" {
			r.Query = url.Values{"api-version": {m.Azure.APIVersion}}
		}
	}
	resp, err := m.client.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	return m.accepted(ctx, resp, &call{model: model, key: key})
}

// accepted returns the response if its status says success. Otherwise it closes the response and
// returns the error that the server reports.
func (m *Model) accepted(ctx context.Context, resp *upstream.Response, c *call) (*upstream.Response, error) {
	if !resp.Failed() {
		return resp, nil
	}
	defer resp.Close()
	refused := m.refused(resp, c)
	if ctx.Err() != nil {
		return nil, fault.Of(ctx.Err())
	}
	return nil, refused
}

// route returns the options that a request to Azure needs for its path and its query. On Azure the path
// may name the deployment of the model. For another server, route returns no options.
func (m *Model) route(c *call) []option.RequestOption {
	if m.Azure == nil {
		return nil
	}
	var options []option.RequestOption
	if m.Azure.APIVersion != "" {
		options = append(options, option.WithQuery("api-version", m.Azure.APIVersion))
	}
	if !hasV1(m.base) {
		at := strings.TrimRight(m.base.String(), "/") + m.azurePath() + "deployments/" + url.PathEscape(c.model)
		options = append(options, option.WithBaseURL(at))
	}
	return options
}

// azurePath returns the path that a base URL of Azure needs at its end: /openai/, or / if the base URL
// has it already.
func (m *Model) azurePath() string {
	if path := strings.TrimRight(m.base.Path, "/"); hasV1(m.base) || strings.HasSuffix(path, "/openai") {
		return "/"
	}
	return "/openai/"
}
