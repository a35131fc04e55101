package anthropic

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/packages/param"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

const pdf = "application/pdf"

// imageTypes are the media types of images that the API takes as bytes.
var imageTypes = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}

// textTypes are the media types, beside text/*, of documents that the plugin sends as plain text.
var textTypes = []string{"application/json", "application/xml", "application/yaml"}

// imageMedia returns the images that the API takes: bytes of the types imageTypes, URLs that it fetches, and
// ids of files that it keeps.
func imageMedia() []sdk.MediaKind {
	return []sdk.MediaKind{
		{Kind: chat.Image, Types: imageTypes, Sources: []string{sdk.SourceData}},
		{Kind: chat.Image, Sources: []string{sdk.SourceURL, sdk.SourceReference}},
	}
}

// documentMedia returns the documents that the API takes: PDFs as bytes, URLs of PDFs that it fetches,
// and ids of files that it keeps.
func documentMedia() []sdk.MediaKind {
	return []sdk.MediaKind{
		{Kind: chat.File, Types: []string{pdf}, Sources: []string{sdk.SourceData, sdk.SourceURL}},
		{Kind: chat.File, Sources: []string{sdk.SourceReference}},
	}
}

// textMedia returns the documents that every model reads, because the plugin sends them as text.
func textMedia() []sdk.MediaKind {
	return []sdk.MediaKind{{Kind: chat.File, Types: append([]string{"text/*"}, textTypes...), Sources: []string{sdk.SourceData}}}
}

// media converts an image or a document. Another kind of medium is fault.Unsupported at the path at.
func (c *conversation) media(m *chat.Media, at fault.Path) (api.ContentBlockParamUnion, error) {
	switch m.Kind {
	case chat.Image:
		return image(m), nil
	case chat.File:
		return c.document(m, at)
	}
	return api.ContentBlockParamUnion{}, unsupported(at, "is media of the kind %.40q, which Anthropic does not take", m.Kind)
}

func image(m *chat.Media) api.ContentBlockParamUnion {
	var source api.ImageBlockParamSourceUnion
	switch {
	case m.URL != "":
		source.OfURL = &api.URLImageSourceParam{URL: m.URL}
	case m.Reference != "":
		source.OfFile = &api.FileImageSourceParam{FileID: m.Reference}
	default:
		source.OfBase64 = &api.Base64ImageSourceParam{
			Data: base64.StdEncoding.EncodeToString(m.Data), MediaType: api.Base64ImageSourceMediaType(strings.ToLower(m.MediaType)),
		}
	}
	return api.ContentBlockParamUnion{OfImage: &api.ImageBlockParam{Source: source}}
}

// document converts a file. Bytes that are neither PDF nor text are fault.Unsupported at the path at,
// and text that is not UTF-8 is fault.Invalid.
func (c *conversation) document(m *chat.Media, at fault.Path) (api.ContentBlockParamUnion, error) {
	doc := &api.DocumentBlockParam{}
	switch {
	case m.URL != "":
		doc.Source.OfURL = &api.URLPDFSourceParam{URL: m.URL}
	case m.Reference != "":
		doc.Source.OfFile = &api.FileDocumentSourceParam{FileID: m.Reference}
	case strings.EqualFold(m.MediaType, pdf):
		doc.Source.OfBase64 = &api.Base64PDFSourceParam{Data: base64.StdEncoding.EncodeToString(m.Data)}
	case !isText(m.MediaType):
		return api.ContentBlockParamUnion{}, unsupported(at, "is a file of the type %.40q; Anthropic takes PDF and text", m.MediaType)
	case !utf8.Valid(m.Data):
		return api.ContentBlockParamUnion{}, fault.New(fault.Invalid, "is a file of the type %.40q that is not in UTF-8", m.MediaType).At(at...)
	default:
		doc.Source.OfText = &api.PlainTextSourceParam{Data: string(m.Data)}
	}
	if m.Name != "" {
		doc.Title = param.NewOpt(m.Name)
	}
	if c.citations {
		doc.Citations.Enabled = param.NewOpt(true)
	}
	return api.ContentBlockParamUnion{OfDocument: doc}, nil
}

// isText reports whether the plugin sends a document of the media type as plain text.
func isText(mediaType string) bool {
	mediaType = strings.ToLower(mediaType)
	return strings.HasPrefix(mediaType, "text/") || slices.Contains(textTypes, mediaType)
}
