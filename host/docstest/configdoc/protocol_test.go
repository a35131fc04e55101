package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProtocolPage(t *testing.T) {
	page, err := protocolPage("../../../sdk/proto")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n#### StorageService.Begin\n\nTakes [BeginRequest](#beginrequest), returns [BeginResponse](#beginresponse).\n",
		"\n#### LLMService.Embed\n\nTakes [llm.EmbedRequest](#llmembedrequest), returns [llm.EmbedResponse](#llmembedresponse). Feature `embed`.\n",
		"\n| `tools` | list of [Tool](#tool) | Feature `tools`. |\n",
		"\n| `replay` | [Turn](#turn) | One of `outcome`. The turn that succeeded earlier under the same key and digest. |\n",
		"\n| `embed` | LLM. The plugin serves LLMService.Embed. | [LLMService.Embed](#llmserviceembed) |\n",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if err := uniqueHeadings("# Begin\n\n## Begin\n"); err == nil {
		t.Error("two headings of one anchor give no error")
	}
	strange := t.TempDir()
	if err := os.WriteFile(filepath.Join(strange, "knowledge.proto"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := protocolPage(strange); err == nil || !strings.Contains(err.Error(), "knowledge.proto is on no page") {
		t.Errorf("a file that is not listed gives %v", err)
	}
}
