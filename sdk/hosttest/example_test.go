package hosttest_test

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/hosttest"
	"github.com/botyard/botyard/sdk/llm"
)

// lengths is a nested plugin that embeds a text as its length.
type lengths struct{ llm.LLM }

func (lengths) Embed(_ context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	out := &llm.Embeddings{Model: "lengths"}
	for _, text := range req.Texts {
		out.Vectors = append(out.Vectors, []float32{float32(len(text))})
	}
	return out, nil
}

// The test of a plugin gives the fake host's Env to the constructor of the instance.
func Example() {
	host, err := hosttest.New(map[string]llm.LLM{llm.RoleEmbedding: lengths{}})
	if err != nil {
		panic(err)
	}
	defer host.Close()
	model := llm.NewNested(host.Env(sdk.Env{}), llm.RoleEmbedding) // what the constructor does
	out, err := model.Embed(context.Background(), &llm.EmbedRequest{
		Call: sdk.Call{Token: hosttest.Token}, Texts: []string{"one", "three"},
	})
	fmt.Println(out.Vectors, err)
	// Output: [[3] [5]] <nil>
}
