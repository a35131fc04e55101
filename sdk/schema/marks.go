package schema

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// These are the keywords that this package adds to the schema of a property.
const (
	SecretKeyword   = "x-botyard-secret"
	EndpointKeyword = "x-botyard-endpoint"
	// AddressKeyword is false for an endpoint that does not name a network address. A host
	// checks the addresses of all other endpoints.
	AddressKeyword = "x-botyard-address"
	// TenantKeyword, LowerKeyword and OperatorKeyword say who may set a key. A property has at most
	// one of them.
	TenantKeyword   = "x-botyard-tenant"
	LowerKeyword    = "x-botyard-lower"
	OperatorKeyword = "x-botyard-operator"
	// UnlimitedKeyword together with LowerKeyword says that 0 and negative values mean unlimited.
	UnlimitedKeyword = "x-botyard-zero-unlimited"
	// OverrideKeyword says that a request may override the key. See [Override].
	OverrideKeyword = "x-botyard-override"
	// ExpectedKeyword has a text that completes the message "expected ...". The text describes the
	// values that a pattern allows, or that a schema keyword allows which the host cannot describe.
	// For a key with a maximum, the text is the reason for the maximum.
	ExpectedKeyword = "x-botyard-expected"
	// PluginKeyword and RoleKeyword mark a nested plugin block. PluginKeyword has the kind of the
	// nested plugin, and RoleKeyword the role under which the outer plugin calls it.
	PluginKeyword = "x-botyard-plugin"
	RoleKeyword   = "x-botyard-role"
)

// PluginBlock is the type of a field that is a nested plugin block. The field's botyard tag has the
// words plugin=KIND and role=ROLE. The host reads the block itself, so that a PluginBlock has no
// values.
type PluginBlock struct{}

var pluginBlockType = reflect.TypeFor[PluginBlock]()

// mark adds the keywords of this package to the properties of s. t is the struct type that s
// describes, or a pointer, list or map of that type.
func mark(s *jsonschema.Schema, t reflect.Type) error {
	t = schemaType(t)
	if t.Kind() != reflect.Struct || s.Properties == nil {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, embedded := keyOf(f)
		if embedded {
			if err := mark(s, f.Type); err != nil {
				return err
			}
			continue
		}
		p, ok := s.Properties.Get(name)
		if !ok {
			continue
		}
		p.Description = description(p.Description)
		if words := f.Tag.Get("botyard_expected"); words != "" {
			if p.Extras == nil {
				p.Extras = map[string]any{}
			}
			p.Extras[ExpectedKeyword] = words
		}
		for _, word := range strings.FieldsFunc(f.Tag.Get("botyard"), func(r rune) bool { return r == ',' }) {
			if p.Extras == nil {
				p.Extras = map[string]any{}
			}
			if key, value, ok := strings.Cut(word, "="); ok {
				keyword, known := map[string]string{"plugin": PluginKeyword, "role": RoleKeyword}[key]
				if !known || value == "" {
					return fmt.Errorf("field %s: unknown word %q in its botyard tag", f.Name, word)
				}
				p.Extras[keyword] = value
				continue
			}
			switch word {
			case "secret":
				p.Extras[SecretKeyword] = true
			case "endpoint":
				p.Extras[EndpointKeyword] = true
			case "noaddress":
				p.Extras[AddressKeyword] = false
			case "tenant":
				p.Extras[TenantKeyword] = true
			case "lower-only":
				p.Extras[LowerKeyword] = true
			case "operator-only":
				p.Extras[OperatorKeyword] = true
			case "zero-unlimited":
				p.Extras[UnlimitedKeyword] = true
			case "override":
				p.Extras[OverrideKeyword] = true
			case "open":
				open := p
				switch {
				case isMap(f.Type):
					open = p.AdditionalProperties
				case p.Items != nil:
					open = p.Items
				}
				open.AdditionalProperties = nil
			default:
				return fmt.Errorf("field %s: unknown word %q in its botyard tag", f.Name, word)
			}
		}
		if names := f.Tag.Get("botyard_names"); names != "" {
			p.PropertyNames = &jsonschema.Schema{Pattern: names}
		}
		if err := markKeys(p, f.Tag.Get("botyard_keys")); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if err := checkAuthor(p); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if err := checkPluginBlock(p, f.Type); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if err := mark(p, f.Type); err != nil {
			return err
		}
		for _, of := range []*jsonschema.Schema{p.Items, p.AdditionalProperties} {
			if of != nil {
				if err := mark(of, f.Type); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// keyOf returns the key of a field. An embedded field without a name has no key, because its fields
// count as fields of the outer struct.
func keyOf(f reflect.StructField) (key string, embedded bool) {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case name != "":
		return name, false
	case f.Anonymous:
		return "", true
	}
	return f.Name, false
}

// schemaType returns the struct type behind t. It resolves pointers, lists, maps and
// JSONSchemaAlias.
func schemaType(t reflect.Type) reflect.Type {
	for {
		if alias, ok := reflect.Zero(t).Interface().(interface{ JSONSchemaAlias() any }); ok && t.Kind() != reflect.Pointer {
			t = reflect.TypeOf(alias.JSONSchemaAlias())
			continue
		}
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			t = t.Elem()
		default:
			return t
		}
	}
}

// isMap reports whether t, or its JSONSchemaAlias, is a map.
func isMap(t reflect.Type) bool {
	if alias, ok := reflect.Zero(t).Interface().(interface{ JSONSchemaAlias() any }); ok {
		t = reflect.TypeOf(alias.JSONSchemaAlias())
	}
	return t.Kind() == reflect.Map
}

// markKeys adds the keywords of the tag botyard_keys to keys of the map p.
func markKeys(p *jsonschema.Schema, tag string) error {
	if tag == "" {
		return nil
	}
	if p.Type != "object" || p.Properties != nil && p.Properties.Len() > 0 {
		return errors.New("botyard_keys is for maps")
	}
	p.Properties = jsonschema.NewProperties()
	for _, key := range strings.Fields(tag) {
		name, words, _ := strings.Cut(key, "=")
		extras := map[string]any{}
		for _, word := range strings.Split(words, ",") {
			keyword, ok := map[string]string{"tenant": TenantKeyword, "operator-only": OperatorKeyword, "override": OverrideKeyword}[word]
			if !ok || name == "" {
				return fmt.Errorf("botyard_keys has %q; expected NAME=tenant or NAME=operator-only, and ,override after it", key)
			}
			extras[keyword] = true
		}
		p.Properties.Set(name, &jsonschema.Schema{Extras: extras})
	}
	return nil
}

// checkAuthor returns an error if the property has keywords that contradict each other about who
// may set the key.
func checkAuthor(p *jsonschema.Schema) error {
	authors := 0
	for _, keyword := range []string{TenantKeyword, LowerKeyword, OperatorKeyword} {
		if p.Extras[keyword] != nil {
			authors++
		}
	}
	switch {
	case authors > 1:
		return errors.New("tenant, lower-only and operator-only exclude each other")
	case p.Extras[LowerKeyword] != nil && p.Type != "integer" && p.Type != "number":
		return errors.New("lower-only is for numbers")
	case p.Extras[UnlimitedKeyword] != nil && p.Extras[LowerKeyword] == nil:
		return errors.New("zero-unlimited is for what is lower-only")
	case p.Extras[TenantKeyword] != nil && p.Extras[EndpointKeyword] != nil:
		return errors.New("an endpoint is not the tenant's unless the operator lists it")
	}
	return nil
}

// checkPluginBlock returns an error if the property has only a part of what a nested plugin block
// needs. It lets the schema accept every key of a nested plugin block, because the nested plugin
// defines the keys.
func checkPluginBlock(p *jsonschema.Schema, t reflect.Type) error {
	isBlock := t == pluginBlockType
	kind, role := p.Extras[PluginKeyword] != nil, p.Extras[RoleKeyword] != nil
	switch {
	case !isBlock && !kind && !role:
		return nil
	case !isBlock || !kind || !role:
		return errors.New("a nested plugin block is a schema.PluginBlock with plugin=KIND and role=ROLE in its botyard tag")
	case len(p.Extras) != 2:
		return errors.New("a nested plugin block has no other word in its botyard tag than plugin=KIND and role=ROLE")
	}
	p.AdditionalProperties = nil
	return nil
}
