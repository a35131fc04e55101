package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// RestoreSecrets returns a copy of new in which each text "<secret>" is replaced by the scalar
// that old has at the same path. A caller that reads a document, changes it and sends it back so
// keeps the secrets that it was not shown. If old has no scalar at the path, the text "<secret>"
// stays, and the merge reports it as a problem if the key is secret. RestoreSecrets modifies
// neither document; either may be nil. The caller must pass the result to [CheckRestored] before
// it uses it.
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
	out.kept = append(slices.Clone(new.kept), kept...) // new.kept has the secrets that MergePatch left in place
	if len(old.sealed) > 0 {
		out.sealed = maps.Clone(old.sealed)
		for key := range new.sealed {
			out.sealed[key] = true
		}
	}
	return out
}

// CheckRestored returns an error if doc keeps a secret of an older document but sends it to
// another plugin or another endpoint. A caller that changes where a secret is sent must send the
// secret itself, to prove that it knows the secret. before is the configuration with the older
// document, or nil if that was invalid. after is the configuration with doc. Errors are
// [Problems].
func CheckRestored(doc *Document, before, after *Effective) error {
	if doc == nil {
		return nil
	}
	var problems Problems
	for _, path := range doc.kept {
		if why := movedSince(path, before, after); why != "" {
			problems = append(problems, Problem{
				Pos: doc.Pos(path), Path: path, Message: fmt.Sprintf("cannot be kept: %s", why),
				Expected: "the secret itself",
			})
		}
	}
	return problems.err()
}

// movedSince returns how the receiver of the secrets in the block changed between before and
// after: the plugin or an endpoint. It returns "" if neither changed.
func movedSince(path Path, before, after *Effective) string {
	now, ok := after.blockAt(path)
	if !ok {
		return "" // not in a plugin's block; the merge reports the secret
	}
	if before == nil {
		return "there was no valid configuration to keep it from"
	}
	old, _ := before.blockAt(path)
	if !slices.Equal(old.Path(), now.Path()) {
		return fmt.Sprintf("`%s` was not a plugin's block of its own", now.Path())
	}
	b := blocks[slices.IndexFunc(blocks, func(b block) bool { return b.kind == now.Kind })]
	if old.Plugin != now.Plugin {
		return fmt.Sprintf("`%s.%s` changed from %q", now.Path(), b.selector, old.Plugin)
	}
	known, ok := after.inputs.snapshot[[2]string{now.Kind, now.Plugin}]
	if !ok || known.schema == nil {
		return "the plugin's schema is not known"
	}
	if !reflect.DeepEqual(known.schema.endpoints(old.Config), known.schema.endpoints(now.Config)) {
		return "an endpoint of the block changed"
	}
	return ""
}
