package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// block is a part of a tenant's configuration that configures a plugin.
type block struct {
	key, kind, selector string
	// hosts are the keys beside the selector that the host reads. The plugin does not get
	// them, and they stay when another plugin is selected.
	hosts []string
}

// isHosts reports whether a key of the block is the host's and not the plugin's.
func (b block) isHosts(key string) bool { return key == b.selector || slices.Contains(b.hosts, key) }

// plugins returns a block's keys without those of the host.
func (b block) plugins(config map[string]any) map[string]any {
	config = maps.Clone(config)
	maps.DeleteFunc(config, func(key string, _ any) bool { return b.isHosts(key) })
	return config
}

// retentionKey is the host's key in conversation_storage.
const retentionKey = "retention_days"

// blocks are the blocks that every bot has.
var blocks = []block{
	{key: "llm", kind: "llm", selector: "provider"},
	{key: "memory", kind: "memory", selector: "type"},
	{key: "conversation_storage", kind: "storage", selector: "backend", hosts: []string{retentionKey}},
}

// knowledge is the block of knowledge plugins, of which there are none yet. As in other blocks, a
// layer that selects another plugin drops the keys of the former one.
var knowledge = block{key: "knowledge_base", kind: "knowledge", selector: "type"}

// missing returns the words for a selector that no layer set.
func (b block) missing(ctx context.Context, s Schemas) (string, string) {
	var unknown *UnknownPluginError
	if _, err := s.Schema(ctx, b.kind, ""); errors.As(err, &unknown) && len(unknown.Known) > 0 {
		return "is required", oneOf(slices.Sorted(slices.Values(unknown.Known)))
	}
	return "is required", "the name of " + article(b.kind) + " plugin"
}

// unusable returns the words for a selector whose plugin has no schema.
func (b block) unusable(name string, err error) (string, string) {
	message := fmt.Sprintf("no %s plugin is named %q", b.kind, name)
	var none *UnknownPluginError
	switch {
	case errors.As(err, &none):
		return unknown(message+none.folders(), name, none.Known)
	case errors.Is(err, ErrUnknownPlugin):
		return message, ""
	}
	return fmt.Sprintf("the %s plugin %q does not give its configuration schema: %v", b.kind, name, err), ""
}

// UnknownPluginBlocks returns the blocks plugin.KIND.NAME whose plugin is not among the known
// ones of its kind, sorted by position. Such a block may be right, since the plugin may come
// later. A name that is near a known one is probably misspelt.
func (h *Host) UnknownPluginBlocks(known func(kind string) []string) Problems {
	var unused Problems
	for kind, blocks := range h.Settings.Plugins {
		names := known(kind)
		for name := range blocks {
			if slices.Contains(names, name) {
				continue
			}
			message := fmt.Sprintf("no %s plugin is named %q: the block says nothing until there is one", kind, name)
			if meant := near(name, names); meant != "" {
				message += fmt.Sprintf("; did you mean %q?", meant)
			}
			unused = append(unused, Problem{Path: Path{"plugin", kind, name}, Message: message})
		}
	}
	return h.WithPositions(unused)
}

func article(noun string) string {
	if noun == "llm" { // spoken el-el-em
		return "an " + noun
	}
	return "a " + noun
}
