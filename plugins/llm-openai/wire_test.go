package openaillm

import "encoding/json"

// chatRequest has the fields of a chat completion that the plugin may send, as the API documents them.
type chatRequest struct {
	Model    string        `json:"model"`
	Messages []chatMessage `json:"messages"`
	Stream   bool          `json:"stream"`
	Options  *struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
	Temperature *float64         `json:"temperature"`
	TopP        *float64         `json:"top_p"`
	MaxTokens   *int             `json:"max_tokens"`
	MaxNew      *int             `json:"max_completion_tokens"`
	Stop        []string         `json:"stop"`
	Seed        *int64           `json:"seed"`
	Frequency   *float64         `json:"frequency_penalty"`
	Presence    *float64         `json:"presence_penalty"`
	Effort      string           `json:"reasoning_effort"`
	Verbosity   string           `json:"verbosity"`
	Tier        string           `json:"service_tier"`
	Retention   string           `json:"prompt_cache_retention"`
	TopK        *int             `json:"top_k"`
	MinP        *float64         `json:"min_p"`
	Repetition  *float64         `json:"repetition_penalty"`
	Template    map[string]any   `json:"chat_template_kwargs"`
	Tools       []wireTool       `json:"tools"`
	ToolChoice  json.RawMessage  `json:"tool_choice"`
	Parallel    *bool            `json:"parallel_tool_calls"`
	Format      *json.RawMessage `json:"response_format"`
}

type chatMessage struct {
	Role             string          `json:"role"`
	Content          json.RawMessage `json:"content"` // a text, a list of parts, or null
	Refusal          string          `json:"refusal"`
	ToolCallID       string          `json:"tool_call_id"`
	ToolCalls        []wireCall      `json:"tool_calls"`
	ReasoningContent string          `json:"reasoning_content"`
	Reasoning        string          `json:"reasoning"`
	ReasoningDetails json.RawMessage `json:"reasoning_details"`
}

type wireTool struct {
	Type     string `json:"type"`
	Function *struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	} `json:"function"`
	Custom *struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"custom"`
}

type wireCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function *struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
	Custom *struct {
		Name  string `json:"name"`
		Input string `json:"input"`
	} `json:"custom"`
	Extra json.RawMessage `json:"extra_content"`
}

// responsesRequest has the fields of the Responses API that the plugin may send.
type responsesRequest struct {
	Model       string         `json:"model"`
	Input       []responseItem `json:"input"`
	Stream      bool           `json:"stream"`
	Store       *bool          `json:"store"`
	Include     []string       `json:"include"`
	Temperature *float64       `json:"temperature"`
	TopP        *float64       `json:"top_p"`
	MaxOutput   *int           `json:"max_output_tokens"`
	Reasoning   *struct {
		Effort  string `json:"effort"`
		Summary string `json:"summary"`
	} `json:"reasoning"`
	Text *struct {
		Verbosity string          `json:"verbosity"`
		Format    json.RawMessage `json:"format"`
	} `json:"text"`
	Tier       string          `json:"service_tier"`
	Retention  string          `json:"prompt_cache_retention"`
	Tools      []responsesTool `json:"tools"`
	ToolChoice json.RawMessage `json:"tool_choice"`
	Parallel   *bool           `json:"parallel_tool_calls"`
}

type responsesTool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      *bool           `json:"strict"`
}

type responseItem struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	Phase     string          `json:"phase"`
	ID        string          `json:"id"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Input     string          `json:"input"`
	Output    json.RawMessage `json:"output"`
	Summary   json.RawMessage `json:"summary"`
	Encrypted string          `json:"encrypted_content"`
	Future    json.RawMessage `json:"future"` // of an item that a test makes up
}

type embedRequest struct {
	Model      string   `json:"model"`
	Input      []string `json:"input"`
	Dimensions int      `json:"dimensions"`
	Encoding   string   `json:"encoding_format"`
}
