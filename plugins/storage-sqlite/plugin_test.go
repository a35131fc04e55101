package sqlitestore

import (
	"slices"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/schema"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct{ block, want string }{ // want is empty if the schema refuses the block
		{`{}`, "botyard.db"},
		{`{"path": "chats/a.db"}`, "chats/a.db"},
		{`{"path": 1}`, ""},
		{`{"connection": {"host": "localhost"}}`, ""},
		{`{"pool_size": 20}`, ""},
	} {
		t.Run(c.block, func(t *testing.T) {
			var cfg Config
			err := schema.Decode(Plugin().Info.ConfigSchema, []byte(c.block), &cfg)
			if c.want == "" && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v; want it refused", c.block, err)
			}
			if c.want != "" && (err != nil || cfg.Path != c.want) {
				t.Errorf("%s: %+v, %v; want %q", c.block, cfg, err, c.want)
			}
		})
	}
}

func TestPlugin_info(t *testing.T) {
	info := Plugin().Info
	want := []string{feature.Renew, feature.Import, feature.Migrate, feature.Backup, feature.Branch, feature.Cursor, feature.Watch, feature.Owners, feature.Retract}
	if info.Exclusive || !slices.Equal(info.Features, want) {
		t.Errorf("%+v", info)
	}
}
