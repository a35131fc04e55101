package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// RestoreSecrets returns a copy of new in which each text "<secret>" is replaced by the scalar
// that old has at the same path. Whoever was shown a document and sends it back means that
// secret. A placeholder without a scalar in old stays, and is a problem once its key is known to
// be secret. Neither document is changed, and either may be nil. Call [CheckRestored] before the
// result is used.
func RestoreSecrets(new, old *Document) *Document {
	if new == nil || old == nil {
		return new
	}
	var kept []Path
	out := new.mapText(func(path Path, text string) any {
		if text != secretPlaceholder {
			return text
		}
		var at any = old.keys
		for _, segment := range path {
			e := childOf(at, segment)
			if e == nil {
				return text
			}
			at = e.value
		}
		switch at.(type) {
		case mapping, sequence:
			return text
		}
		kept = append(kept, path)
		return at
	})
	out.kept = append(slices.Clone(new.kept), kept...) // those of a merge patch are known already
	if len(old.sealed) > 0 {
		out.sealed = maps.Clone(old.sealed)
		for key := range new.sealed {
			out.sealed[key] = true
		}
	}
	return out
}

// CheckRestored refuses a document of [RestoreSecrets] that sends a kept secret elsewhere: to
// another plugin, or to another endpoint. Whoever changes where a secret is sent has to know the
// secret. before is the configuration with the old document; nil if that was invalid. after is
// the one with doc. Errors are [Problems].
func CheckRestored(doc *Document, before, after *Effective) error {
	if doc == nil {
		return nil
	}
	var problems Problems
	for _, path := range doc.kept {
		if why := movedSince(path[0], before, after); why != "" {
			problems = append(problems, Problem{
				Pos: doc.Pos(path), Path: path, Message: fmt.Sprintf("cannot be kept: %s", why),
				Expected: "the secret itself",
			})
		}
	}
	return problems.err()
}

// movedSince returns how the place that a block's secrets are sent to has changed; empty if it
// has not.
func movedSince(key string, before, after *Effective) string {
	i := slices.IndexFunc(blocks, func(b block) bool { return b.key == key })
	if i < 0 {
		return "" // not a plugin's block; a secret there is reported
	}
	if before == nil {
		return "there was no valid configuration to keep it from"
	}
	b := blocks[i]
	old, now := before.block(b), after.block(b)
	if old.Plugin != now.Plugin {
		return fmt.Sprintf("`%s.%s` changed from %q", b.key, b.selector, old.Plugin)
	}
	known, ok := after.inputs.snapshot[[2]string{b.kind, now.Plugin}]
	if !ok || known.schema == nil {
		return "the plugin's schema is not known"
	}
	if !reflect.DeepEqual(known.schema.endpoints(old.Config), known.schema.endpoints(now.Config)) {
		return "an endpoint of the block changed"
	}
	return ""
}
