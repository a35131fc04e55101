package api

import (
	"testing"

	"github.com/botyard/botyard/host/plugins"
)

func TestPlugins(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.chat("a", "c", "m")
	var list Plugins
	s.get("/admin/v1/plugins", &list)
	kinds := ""
	for _, p := range list.Plugins {
		kinds += p.Kind + "-" + p.Name + " "
		if p.PID == 0 || p.Version == "" || p.State != plugins.Ready || p.Instances != 1 || p.Restarts != 0 {
			t.Errorf("%+v", p)
		}
	}
	if kinds != "llm-echo memory-buffer storage-memory " {
		t.Errorf("%s", kinds)
	}
}
