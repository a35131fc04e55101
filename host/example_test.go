package host_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/bot"
)

// Example shows a program that serves a tenant's bot without HTTP.
func Example() {
	ctx := context.Background()
	plugins := buildPlugins()
	defer func() { _ = os.RemoveAll(plugins) }()

	h, err := host.Open(ctx, host.Options{
		PluginDirs: []string{plugins},
		Config:     map[string]any{"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = h.Close(ctx) }()
	if err := h.Register(ctx, "acme", map[string]any{"prompts": map[string]any{"system": "Be kind."}}); err != nil {
		log.Fatal(err)
	}
	b, err := h.Bot(ctx, "acme")
	if err != nil {
		log.Fatal(err)
	}
	defer b.Release()
	reply, err := b.Chat(ctx, bot.Request{ConversationID: "c1", Message: "How do I reset my password?"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("turn", reply.Turn)
	reply, err = b.Chat(ctx, bot.Request{ConversationID: "c1", Message: "Do you remember me?"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Text)
	// Output:
	// turn 1
	// Yes, you asked about: How do I reset my password?
}

// buildPlugins builds the plugins into a temporary folder. An installed host already has a plugin
// folder.
func buildPlugins() string {
	dir, err := os.MkdirTemp("", "botyard-example")
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range []string{"llm-echo", "memory-buffer", "storage-memory"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "botyard-"+p), "../plugins/"+p+"/cmd/botyard-"+p)
		if out, err := cmd.CombinedOutput(); err != nil {
			log.Fatalf("%v\n%s", err, out)
		}
	}
	return dir
}
