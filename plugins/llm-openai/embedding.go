package openaillm

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
)

// maxBatchBytes bounds the bytes of the texts of one request, except of a single longer text. OpenAI
// takes 300,000 tokens in a request, and a token has at least one byte.
const maxBatchBytes = 300_000

// Embed implements llm.Embedder. It sends the texts in batches, one after the other, and returns the
// vectors in the order of the texts.
func (m *Model) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	out := &llm.Embeddings{Model: m.EmbeddingModel}
	if e := m.traits.Embeddings; !e.Embeds && len(req.Texts) > 0 {
		return nil, fault.New(fault.Unsupported, "the model %s embeds no texts; set embedding_model", m.EmbeddingModel).At("embedding_model").By(fault.PartyTenant)
	}
	for start := 0; start < len(req.Texts); {
		end, size := start+1, len(req.Texts[start])
		for end < len(req.Texts) && end-start < m.EmbeddingBatch && size+len(req.Texts[end]) <= maxBatchBytes {
			size += len(req.Texts[end])
			end++
		}
		if err := m.embedBatch(ctx, req.Texts[start:end], out); err != nil {
			return nil, err
		}
		start = end
	}
	for _, v := range out.Vectors {
		if len(v) == 0 || len(v) != len(out.Vectors[0]) {
			return nil, fault.New(fault.ProviderFailed, "%s sent vectors of different lengths or none", m.client.Server())
		}
	}
	return out, nil
}

// embedBatch embeds the texts with one request. It appends their vectors to out, and adds the usage.
func (m *Model) embedBatch(ctx context.Context, texts []string, out *llm.Embeddings) error {
	p := &openai.EmbeddingNewParams{Model: m.EmbeddingModel}
	p.Input.OfArrayOfStrings = texts
	if m.Dimensions > 0 {
		p.Dimensions = param.NewOpt(int64(m.Dimensions))
	}
	if m.own || m.Azure != nil {
		p.EncodingFormat = openai.EmbeddingNewParamsEncodingFormatBase64 // a third of the size
	} else {
		p.EncodingFormat = openai.EmbeddingNewParamsEncodingFormatFloat
	}
	key := "embedding_model"
	if m.config.EmbeddingModel == "" {
		key = "model"
	}
	resp, err := m.send(ctx, &call{
		model: m.EmbeddingModel, key: key, accept: jsonType,
		do: func(ctx context.Context, options ...option.RequestOption) error {
			_, err := m.api.embeddings.New(ctx, *p, options...)
			return err
		},
	})
	if err != nil {
		return err
	}
	defer resp.Close()
	body, err := resp.ReadAll(int64(sdk.MaxUpstreamErrorBytes + len(texts)*sdk.MaxUpstreamVectorBytes))
	if err != nil {
		return err
	}
	var list struct {
		Model string
		Data  []struct {
			Index     *int
			Embedding vector
		}
		Usage json.RawMessage
	}
	if err := json.Unmarshal(body, &list); err != nil || list.Data == nil {
		if s := parseSaid(body); s.isError {
			return m.reported(s)
		}
		return m.noAPI(resp.Status)
	}
	if len(list.Data) != len(texts) {
		return fault.New(fault.ProviderFailed, "%s sent %d vectors for %d texts", m.client.Server(), len(list.Data), len(texts))
	}
	vectors := make([][]float32, len(texts))
	for i, one := range list.Data {
		if one.Index != nil {
			i = *one.Index
		}
		if i < 0 || i >= len(vectors) || vectors[i] != nil {
			return fault.New(fault.ProviderFailed, "%s sent vectors with wrong indexes", m.client.Server())
		}
		vectors[i] = one.Embedding
	}
	out.Vectors = append(out.Vectors, vectors...)
	if list.Model != "" {
		out.Model = upstream.Beginning(list.Model, maxModelName)
	}
	if u := usageOf(string(list.Usage)); u != nil {
		out.Usage = out.Usage.Add(chat.Usage{InputTokens: u.InputTokens})
	}
	return nil
}

// vector is an embedding. In JSON it is a list of numbers, or the base64 of little-endian
// floating-point numbers of 32 bits.
type vector []float32

// UnmarshalJSON implements json.Unmarshaler.
func (v *vector) UnmarshalJSON(text []byte) error {
	if len(text) == 0 || text[0] != '"' {
		return json.Unmarshal(text, (*[]float32)(v))
	}
	var encoded string
	if err := json.Unmarshal(text, &encoded); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	out := make(vector, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	*v = out
	return nil
}
