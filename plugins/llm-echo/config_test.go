package echo

import (
	"reflect"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestConfig_defaults(t *testing.T) {
	cfg, err := decode(t, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Config{Model: "echo", EmbeddingDimensions: defaultDimensions}); !reflect.DeepEqual(cfg, want) {
		t.Errorf("defaults %+v, want %+v", cfg, want)
	}
}

func TestConfig_decode(t *testing.T) {
	cfg, err := decode(t, `{"model":"m","api_key":"k","base_url":"https://e","tokens":9,"first_token_delay_ms":1,
		"token_delay_ms":2,"fail":{"class":"internal","after_tokens":3,"times":4,"retry_after_ms":5,"message":"x"},
		"hang_after_tokens":0,"crash_after_tokens":-1}`)
	if err != nil {
		t.Fatal(err)
	}
	zero, never := 0, -1
	want := Config{Model: "m", EmbeddingDimensions: defaultDimensions, APIKey: "k", BaseURL: "https://e", Tokens: 9, FirstTokenDelayMS: 1, TokenDelayMS: 2,
		Fail:            &Fail{Class: "internal", AfterTokens: 3, Times: 4, RetryAfterMS: 5, Message: "x"},
		HangAfterTokens: &zero, CrashAfterTokens: &never}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got %+v, want %+v", cfg, want)
	}
	if _, err := decode(t, `{"modle":"m"}`); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown key: %v", err)
	}
}
