package main

import (
	"fmt"
	"regexp"
	"strings"

	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// reference writes the reference of the protocol.
type reference struct {
	// comments is what protoComments returns, of all files.
	comments map[string]string
	// names has the name on the page of each message and enum.
	names   map[protoreflect.FullName]string
	out     strings.Builder
	missing string // the first name that has no entry in comments
}

// nameAll fills in names. A message or an enum has its own name, and before it the name of its
// package if another package has one of this name.
func (r *reference) nameAll() {
	count := map[string]int{}
	short := func(d protoreflect.Descriptor) string {
		return strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
	}
	each := func(do func(d protoreflect.Descriptor)) {
		for _, f := range protocolFiles {
			types(f.file, do)
		}
	}
	each(func(d protoreflect.Descriptor) { count[short(d)]++ })
	each(func(d protoreflect.Descriptor) {
		name := short(d)
		if count[name] > 1 {
			name = strings.Split(string(d.FullName()), ".")[1] + "." + name
		}
		r.names[d.FullName()] = name
	})
}

// types calls do for each message and enum in the container, and in its messages.
func types(in interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
}, do func(protoreflect.Descriptor)) {
	for i := range in.Messages().Len() {
		if m := in.Messages().Get(i); !m.IsMapEntry() {
			do(m)
			types(m, do)
		}
	}
	for i := range in.Enums().Len() {
		do(in.Enums().Get(i))
	}
}

// comment returns the comment of a name.
func (r *reference) comment(name string) string {
	text, ok := r.comments[name]
	if !ok && r.missing == "" {
		r.missing = name
	}
	return marked(text)
}

// writeFile writes the services of a file with their calls, each with its request and its
// response, and then the other messages and enums of the file.
func (r *reference) writeFile(title string, f protoreflect.FileDescriptor) {
	written := map[protoreflect.FullName]bool{}
	source := fmt.Sprintf("[%s](../sdk/proto/%s)", f.Path(), f.Path())
	if title != "" {
		fmt.Fprintf(&r.out, "### %s\n\nPackage `%s`, in %s.\n\n", title, f.Package(), source)
	}
	for i := range f.Services().Len() {
		s := f.Services().Get(i)
		fmt.Fprintf(&r.out, "### %s\n\n`%s`, in %s.\n\n%s\n\n", s.Name(), s.FullName(), source, r.comment(string(s.FullName())))
		for j := range s.Methods().Len() {
			m := s.Methods().Get(j)
			r.writeCall(m)
			for _, d := range []protoreflect.MessageDescriptor{m.Input(), m.Output()} {
				if !written[d.FullName()] {
					written[d.FullName()] = true
					r.writeMessage(d)
				}
			}
		}
	}
	types(f, func(d protoreflect.Descriptor) {
		if written[d.FullName()] {
			return
		}
		switch d := d.(type) {
		case protoreflect.MessageDescriptor:
			r.writeMessage(d)
		case protoreflect.EnumDescriptor:
			r.writeEnum(d)
		}
	})
}

func (r *reference) writeCall(m protoreflect.MethodDescriptor) {
	fmt.Fprintf(&r.out, "#### %s.%s\n\n", m.Parent().Name(), m.Name())
	answer := "returns"
	if m.IsStreamingServer() {
		answer = "returns a stream of"
	}
	fmt.Fprintf(&r.out, "Takes %s, %s %s.", r.link(m.Input()), answer, r.link(m.Output()))
	if name := featureOf(m); name != "" {
		fmt.Fprintf(&r.out, " Feature `%s`.", name)
	}
	fmt.Fprintf(&r.out, "\n\n%s\n\n", r.comment(string(m.FullName())))
}

func (r *reference) writeMessage(m protoreflect.MessageDescriptor) {
	fmt.Fprintf(&r.out, "##### %s\n\n", r.names[m.FullName()])
	if text := r.comment(string(m.FullName())); text != "" {
		fmt.Fprintf(&r.out, "%s\n\n", text)
	}
	if m.Fields().Len() == 0 {
		r.out.WriteString("It has no fields.\n\n")
		return
	}
	r.out.WriteString("| field | type | |\n| --- | --- | --- |\n")
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		text := []string{}
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
			text = append(text, fmt.Sprintf("One of `%s`.", o.Name()))
		}
		if c := r.comment(string(f.FullName())); c != "" {
			text = append(text, inCell(c))
		}
		if name := featureOf(f); name != "" {
			text = append(text, fmt.Sprintf("Feature `%s`.", name))
		}
		fmt.Fprintf(&r.out, "| `%s` | %s | %s |\n", f.Name(), r.typeOf(f), strings.Join(text, " "))
	}
	r.out.WriteString("\n")
}

func (r *reference) writeEnum(e protoreflect.EnumDescriptor) {
	fmt.Fprintf(&r.out, "##### %s\n\n", r.names[e.FullName()])
	if text := r.comment(string(e.FullName())); text != "" {
		fmt.Fprintf(&r.out, "%s\n\n", text)
	}
	r.out.WriteString("| value | |\n| --- | --- |\n")
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		fmt.Fprintf(&r.out, "| `%s` | %s |\n", v.Name(), inCell(r.comment(string(e.FullName())+"."+string(v.Name()))))
	}
	r.out.WriteString("\n")
}

// link returns the name of a message or an enum, as a link to its heading if the page has one.
func (r *reference) link(d protoreflect.Descriptor) string {
	name, ok := r.names[d.FullName()]
	if !ok {
		return fmt.Sprintf("`%s`", d.FullName())
	}
	return fmt.Sprintf("[%s](#%s)", name, anchor(name))
}

func (r *reference) typeOf(f protoreflect.FieldDescriptor) string {
	if f.IsMap() {
		return fmt.Sprintf("map of %s to %s", f.MapKey().Kind(), f.MapValue().Kind())
	}
	name := f.Kind().String()
	switch f.Kind() {
	case protoreflect.MessageKind:
		name = r.link(f.Message())
	case protoreflect.EnumKind:
		name = r.link(f.Enum())
	}
	switch {
	case f.IsList():
		return "list of " + name
	case f.HasOptionalKeyword():
		return "optional " + name
	}
	return name
}

// featureOf returns the name of the feature that a field or a call belongs to, or "".
func featureOf(d protoreflect.Descriptor) string {
	var of any = pluginv1.Feature_FEATURE_UNSPECIFIED
	switch d.(type) {
	case protoreflect.FieldDescriptor:
		of = proto.GetExtension(d.Options(), pluginv1.E_FieldFeature)
	case protoreflect.MethodDescriptor:
		of = proto.GetExtension(d.Options(), pluginv1.E_RpcFeature)
	}
	if of == pluginv1.Feature_FEATURE_UNSPECIFIED {
		return ""
	}
	return featureName(of.(pluginv1.Feature).String())
}

func featureName(value string) string {
	return strings.ToLower(strings.TrimPrefix(value, "FEATURE_"))
}

// features returns the table of all features, each with its calls and its fields.
func (r *reference) features() string {
	uses := map[string][]string{}
	for _, f := range protocolFiles {
		for i := range f.file.Services().Len() {
			s := f.file.Services().Get(i)
			for j := range s.Methods().Len() {
				m := s.Methods().Get(j)
				name := fmt.Sprintf("%s.%s", s.Name(), m.Name())
				uses[featureOf(m)] = append(uses[featureOf(m)], fmt.Sprintf("[%s](#%s)", name, anchor(name)))
			}
		}
		types(f.file, func(d protoreflect.Descriptor) {
			if m, ok := d.(protoreflect.MessageDescriptor); ok {
				for i := range m.Fields().Len() {
					f := m.Fields().Get(i)
					uses[featureOf(f)] = append(uses[featureOf(f)], fmt.Sprintf("`%s` of %s", f.Name(), r.link(m)))
				}
			}
		})
	}
	var b strings.Builder
	b.WriteString("| feature | what a plugin with it does | its calls and fields |\n| --- | --- | --- |\n")
	all := pluginv1.Feature(0).Descriptor()
	for i := 1; i < all.Values().Len(); i++ {
		v := all.Values().Get(i)
		name := featureName(string(v.Name()))
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, inCell(r.comment(string(all.FullName())+"."+string(v.Name()))), strings.Join(uses[name], ", "))
	}
	return strings.TrimSpace(b.String())
}

// nameInComment matches what a comment quotes of the protocol: a name with an underscore.
var nameInComment = regexp.MustCompile(`[A-Za-z][\w.]*_[\w]*[A-Za-z0-9]`)

// marked returns a comment as Markdown: names with an underscore are code, and an asterisk is
// one.
func marked(comment string) string {
	comment = strings.ReplaceAll(comment, "*", `\*`)
	return nameInComment.ReplaceAllString(comment, "`$0`")
}

// inCell returns Markdown in one line, for a cell of a table.
func inCell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
