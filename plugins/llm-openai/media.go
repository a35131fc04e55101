package openaillm

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
)

// audioFormats maps the media types of audio to the API's names for them.
var audioFormats = map[string]string{
	"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/vnd.wave": "wav",
	"audio/mpeg": "mp3", "audio/mp3": "mp3",
}

// audioTypes returns the media types in audioFormats, always in the same order.
func audioTypes() []string {
	return []string{"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/mpeg", "audio/mp3"}
}

// chatContent converts a text or a medium of a message to chat completions. It returns
// fault.Unsupported at path for a part that chat completions do not take.
func chatContent(p *chat.Part, path fault.Path) (openai.ChatCompletionContentPartUnionParam, error) {
	m := p.Media
	if p.Kind() == chat.KindText {
		return openai.TextContentPart(p.Text), nil
	}
	if m == nil {
		return openai.ChatCompletionContentPartUnionParam{}, notTaken(p, path)
	}
	format, isAudio := audioFormats[strings.ToLower(m.MediaType)]
	switch {
	case m.Kind == chat.Image && m.Reference == "":
		return openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: cmp.Or(m.URL, dataURL(m))}), nil
	case m.Kind == chat.Audio && isAudio && m.URL == "" && m.Reference == "":
		return openai.InputAudioContentPart(openai.ChatCompletionContentPartInputAudioInputAudioParam{
			Data: base64.StdEncoding.EncodeToString(m.Data), Format: format,
		}), nil
	case m.Kind == chat.File && m.Reference != "":
		return openai.FileContentPart(openai.ChatCompletionContentPartFileFileParam{FileID: param.NewOpt(m.Reference)}), nil
	case m.Kind == chat.File && m.URL == "":
		return openai.FileContentPart(openai.ChatCompletionContentPartFileFileParam{
			FileData: param.NewOpt(dataURL(m)), Filename: param.NewOpt(fileName(m)),
		}), nil
	}
	return openai.ChatCompletionContentPartUnionParam{}, mediaNotTaken(m, path)
}

// responsesContent converts a text or a medium of a message to the Responses API. It returns
// fault.Unsupported at path for a part that the Responses API does not take.
func responsesContent(p *chat.Part, path fault.Path) (responses.ResponseInputContentUnionParam, error) {
	var out responses.ResponseInputContentUnionParam
	m := p.Media
	switch {
	case p.Kind() == chat.KindText:
		out.OfInputText = &responses.ResponseInputTextParam{Text: p.Text}
	case m == nil:
		return out, notTaken(p, path)
	case m.Kind == chat.Image:
		i := &responses.ResponseInputImageParam{Detail: responses.ResponseInputImageDetailAuto}
		if m.Reference != "" {
			i.FileID = param.NewOpt(m.Reference)
		} else {
			i.ImageURL = param.NewOpt(cmp.Or(m.URL, dataURL(m)))
		}
		out.OfInputImage = i
	case m.Kind == chat.File:
		f := &responses.ResponseInputFileParam{}
		switch {
		case m.Reference != "":
			f.FileID = param.NewOpt(m.Reference)
		case m.URL != "":
			f.FileURL = param.NewOpt(m.URL)
		default:
			f.FileData, f.Filename = param.NewOpt(dataURL(m)), param.NewOpt(fileName(m))
		}
		out.OfInputFile = f
	default:
		return out, mediaNotTaken(m, path)
	}
	return out, nil
}

// replyMedia stands before the media of a reply, in the next message of the user.
const replyMedia = "[Your message before had this:]"

// dataURL returns the data of media as a URL. A type that is not known is guessed from the data.
func dataURL(m *chat.Media) string {
	kind := m.MediaType
	if kind == "" {
		kind, _, _ = strings.Cut(http.DetectContentType(m.Data), ";")
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(m.Data)
}

// fileName returns the name of a file. The API needs one, so a file without a name gets one.
func fileName(m *chat.Media) string {
	if m.Name != "" {
		return m.Name
	}
	if m.MediaType == "application/pdf" || m.MediaType == "" && strings.HasPrefix(string(m.Data[:min(len(m.Data), 5)]), "%PDF-") {
		return "file.pdf"
	}
	return "file"
}

func mediaNotTaken(m *chat.Media, path fault.Path) *fault.Error {
	return fault.New(fault.Unsupported, "is media of the kind %.40q and the type %.40q in a form that the API does not take", m.Kind, m.MediaType).At(path...)
}
