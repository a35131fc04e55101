package config

import (
	"testing"
)

func TestNear(t *testing.T) {
	known := []string{"model", "mode", "api_key", "temperature", "top_p"}
	for name, want := range map[string]string{
		"modle": "model", "Model": "model", "mod": "mode", "apikey": "api_key", "tempratur": "temperature", "topp": "top_p",
		"x": "", "colour": "", "": "",
	} {
		t.Run(name, func(t *testing.T) {
			if got := near(name, known); got != want {
				t.Errorf("%q is near %q, want %q", name, got, want)
			}
		})
	}
}
