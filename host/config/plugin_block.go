package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// block describes a block of a tenant's configuration that selects and configures a plugin.
type block struct {
	path           Path // path in a tenant's configuration
	kind, selector string
	role           string // role of a nested block; empty for other blocks
	// element reports that the block is an element of a list. A layer that sets a list replaces the
	// whole list, so no other layer can add keys to the block.
	element bool
	// hosts lists the keys, other than the selector, that the host reads itself. The host does
	// not pass them to the plugin, and they stay when a layer selects another plugin.
	hosts []string
}

// isHosts reports whether the host, and not the plugin, reads the key.
func (b block) isHosts(key string) bool { return key == b.selector || slices.Contains(b.hosts, key) }

// plugins returns a copy of config without the keys that the host reads itself. It still has the
// nested blocks of the plugin.
func (b block) plugins(config map[string]any) map[string]any {
	config = maps.Clone(config)
	maps.DeleteFunc(config, func(key string, _ any) bool { return b.isHosts(key) })
	return config
}

// retentionKey is the key of the block conversation_storage that the host reads itself.
const retentionKey = "retention_days"

// blocks lists the plugin blocks at the top level that every bot has.
var blocks = []block{
	{path: Path{"llm"}, kind: "llm", selector: "provider", hosts: []string{fallbackKey}},
	{path: Path{"memory"}, kind: "memory", selector: "type"},
	{path: Path{"conversation_storage"}, kind: "storage", selector: "backend", hosts: []string{retentionKey}},
}

// knowledge describes the block of knowledge plugins, which do not exist yet. The merge treats it
// like the other plugin blocks: a layer that selects another plugin drops the keys of the
// previous plugin.
var knowledge = block{path: Path{"knowledge_base"}, kind: "knowledge", selector: "type"}

// missing returns the message and the expected words for a block whose selector no layer sets.
func (b block) missing(ctx context.Context, s Schemas) (string, string) {
	var unknown *UnknownPluginError
	if _, err := s.Schema(ctx, b.kind, ""); errors.As(err, &unknown) && len(unknown.Known) > 0 {
		return "is required", oneOf(slices.Sorted(slices.Values(unknown.Known)))
	}
	return "is required", "the name of " + article(b.kind) + " plugin"
}

// unusable returns the problem of a selected plugin whose schema could not be read, without its place.
// err is the error of [Schemas]. Its text may name folders and files of the host, so the tenant gets a
// message without it.
func (b block) unusable(name string, err error) Problem {
	p := Problem{Message: fmt.Sprintf("no %s plugin is named %q", b.kind, name), cause: err}
	var none *UnknownPluginError
	switch {
	case errors.As(err, &none):
		message := p.Message
		p.forTenant, _ = unknown(message, name, none.Known)
		p.Message, p.Expected = unknown(message+none.folders(), name, none.Known)
	case errors.Is(err, ErrUnknownPlugin):
	default:
		p.Message = fmt.Sprintf("the %s plugin %q does not give its configuration schema: %v", b.kind, name, err)
		p.forTenant = fmt.Sprintf("the %s plugin %q cannot be used now; the operator can see why", b.kind, name)
	}
	return p
}

// UnknownPluginBlocks returns a problem for each block plugin.KIND.NAME whose plugin is not in
// known(KIND), sorted by position. Such a block may be intended, because the plugin may be
// installed later. If the name resembles a known name, the problem suggests that name.
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
	if noun == "llm" { // "llm" is spoken el-el-em
		return "an " + noun
	}
	return "a " + noun
}
