package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// RestoreSecrets returns a copy of new in which each text "<secret>" is replaced by the scalar
// that old has at the same path. A caller that reads a document, changes it and sends it back so
// keeps the secrets that it was not shown. In a list, the path leads through the element of old that
// the element of new is, wherever it stands now. If old has no scalar there, or nobody can say which
// element it is, the text "<secret>" stays, and the merge reports it as a problem if the key is secret.
// RestoreSecrets modifies neither document; either may be nil. The caller must pass the result to
// [CheckRestored] before it uses it.
func RestoreSecrets(new, old *Document) *Document {
	if new == nil || old == nil {
		return new
	}
	out := *new
	out.kept = slices.Clone(new.kept) // new.kept has the secrets that MergePatch left in place
	if len(old.sealed) > 0 {
		out.sealed = maps.Clone(old.sealed)
		for key := range new.sealed {
			out.sealed[key] = true
		}
	}
	r := restorer{old: old, out: &out}
	out.keys, _ = r.restore(new.keys, old.keys, nil, nil).(mapping)
	return &out
}

// keptSecret is a secret that stays from an older document.
type keptSecret struct {
	at   Path // in the new document
	from Path // in the older one
}

// restorer puts the secrets of old into out.
type restorer struct{ old, out *Document }

// restore returns a copy of value, which is at the path, with the secrets of old, which is at the path
// from of the older document.
func (r restorer) restore(value, old any, at, from Path) any {
	switch v := value.(type) {
	case mapping:
		was, _ := old.(mapping)
		index := indexOf(was)
		v = slices.Clone(v)
		for i := range v {
			if j, ok := index[v[i].key]; ok {
				v[i].value = r.restore(v[i].value, was[j].value, at.with(v[i].key), from.with(v[i].key))
			}
		}
		return v
	case sequence:
		was, _ := old.(sequence)
		v = slices.Clone(v)
		for i, j := range originsOf(v, was) {
			if j != noOrigin {
				v[i].value = r.restore(v[i].value, was[j].value, at.with(strconv.Itoa(i)), from.with(strconv.Itoa(j)))
			}
		}
		return v
	}
	if value != secretPlaceholder || !isScalar(old) {
		return value
	}
	r.out.kept = append(r.out.kept, keptSecret{at, from})
	if r.old.isSealed(from) {
		r.out.sealed[at.key()] = true
	}
	return old
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
	for _, k := range doc.kept {
		if why := movedSince(k, before, after); why != "" {
			problems = append(problems, Problem{
				Pos: doc.Pos(k.at), Path: k.at, Message: fmt.Sprintf("cannot be kept: %s", why),
				Expected: "the secret itself",
			})
		}
	}
	return problems.err()
}

// movedSince returns how the receiver of the secret changed between before and after: the plugin or an
// endpoint of its block. It returns "" if neither changed.
func movedSince(k keptSecret, before, after *Effective) string {
	now, ok := after.blockAt(k.at)
	if !ok {
		return "" // not in a plugin's block; the merge reports the secret
	}
	if before == nil {
		return "there was no valid configuration to keep it from"
	}
	old, _ := before.blockAt(k.from)
	if old.Kind != now.Kind || len(old.Path()) != len(now.Path()) { // the paths differ at most in the elements of lists
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
