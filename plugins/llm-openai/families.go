package openaillm

import (
	"regexp"
	"strings"
)

// family is what is known of models whose ids are alike. The zero value is a model that takes
// everything and whose context size is unknown.
type family struct {
	context    int64 // tokens of input and output together; 0 is unknown
	noImages   bool
	noTools    bool
	noSchema   bool
	textTools  bool // a tool may take a text as its arguments
	dimensions int  // length of the vectors of a model that embeds
}

// families maps the ids of OpenAI's models, without a date, to what is known of the models.
var families = map[string]family{
	"gpt-5":         {context: 400_000, textTools: true},
	"gpt-5-mini":    {context: 400_000, textTools: true},
	"gpt-5-nano":    {context: 400_000, textTools: true},
	"gpt-5.1":       {context: 400_000, textTools: true},
	"gpt-5.2":       {context: 400_000, textTools: true},
	"gpt-4.1":       {context: 1_047_576},
	"gpt-4.1-mini":  {context: 1_047_576},
	"gpt-4.1-nano":  {context: 1_047_576},
	"gpt-4o":        {context: 128_000},
	"gpt-4o-mini":   {context: 128_000},
	"gpt-4-turbo":   {context: 128_000, noSchema: true},
	"gpt-4":         {context: 8_192, noImages: true, noSchema: true},
	"gpt-3.5-turbo": {context: 16_385, noImages: true, noSchema: true},
	"o1":            {context: 200_000},
	"o3":            {context: 200_000},
	"o3-mini":       {context: 200_000, noImages: true},
	"o4-mini":       {context: 200_000},

	"text-embedding-3-small": {context: 8_192, noImages: true, noTools: true, noSchema: true, dimensions: 1536},
	"text-embedding-3-large": {context: 8_192, noImages: true, noTools: true, noSchema: true, dimensions: 3072},
	"text-embedding-ada-002": {context: 8_192, noImages: true, noTools: true, noSchema: true, dimensions: 1536},
}

// dated matches the date, or the word latest, at the end of the id of one version of a model.
var dated = regexp.MustCompile(`-(\d{4}-\d{2}-\d{2}|latest)$`)

// familyOf returns what is known of a model, and whether the table has the model. named says that the
// server names its models as OpenAI does. Of the ids of other servers, only those that begin with
// openai/ are OpenAI's.
func familyOf(model string, named bool) (family, bool) {
	id, vendor := strings.CutPrefix(model, "openai/")
	if !named && !vendor {
		return family{}, false
	}
	f, ok := families[dated.ReplaceAllString(id, "")]
	return f, ok
}
