// Package schema makes the JSON Schema of a plugin's configuration from the
// author's struct, and decodes configurations into it.
//
// Struct tags: json names the key; jsonschema carries required, default, minimum,
// enum and the like, as github.com/invopop/jsonschema reads them;
// jsonschema_description documents the key; botyard:"secret" marks a value that is
// never shown and may be a reference, botyard:"endpoint" one that says where
// secrets are sent, and botyard:"endpoint,noaddress" one of these that names no address of
// a network, such as the name of a database; botyard_expected says in words what a pattern wants.
//
// Words in the botyard tag also say who may set a key where tenants edit their own
// settings: "tenant" the tenant too; "lower-only" the tenant too, to at most the value that
// the operator's settings give it, or else the default, or else anything; "operator-only" the
// operator alone. An unmarked key is the operator's: the tenant may set it only where the
// operator's policy lists it by its full name. A mark of a struct holds for what is in it,
// unless that has its own. "zero-unlimited" beside lower-only says that 0 and less are no
// bound, so that they are above any other value. botyard_keys:"NAME=tenant NAME=operator-only"
// marks keys of a map.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/invopop/jsonschema"
)

// Keywords of ours in a property's schema.
const (
	SecretKeyword   = "x-botyard-secret"
	EndpointKeyword = "x-botyard-endpoint"
	// AddressKeyword is false at an endpoint that names no address of a network. A host
	// judges where all other endpoints lead.
	AddressKeyword = "x-botyard-address"
	// Who may set a key; at most one of the three.
	TenantKeyword   = "x-botyard-tenant"
	LowerKeyword    = "x-botyard-lower"
	OperatorKeyword = "x-botyard-operator"
	// UnlimitedKeyword beside LowerKeyword says that 0 and less are no bound.
	UnlimitedKeyword = "x-botyard-zero-unlimited"
	// ExpectedKeyword says in words what a pattern beside it wants of a value, or another
	// keyword that no words are known of: it completes "expected ...". Of a maximum it
	// says why.
	ExpectedKeyword = "x-botyard-expected"
)

// Of makes the schema of struct type C.
func Of[C any]() ([]byte, error) {
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		RequiredFromJSONSchemaTags: true,
	}
	s := r.Reflect(new(C))
	if s.Type != "object" {
		return nil, fmt.Errorf("a configuration is a struct, not %T", *new(C))
	}
	if err := mark(s, reflect.TypeFor[C]()); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// mark adds our keywords to the properties of s, the schema of struct type t.
func mark(s *jsonschema.Schema, t reflect.Type) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || s.Properties == nil {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Tag.Get("json") == "" {
			if err := mark(s, f.Type); err != nil {
				return err
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		p, ok := s.Properties.Get(name)
		if !ok {
			continue
		}
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
			default:
				return fmt.Errorf("field %s: unknown word %q in its botyard tag", f.Name, word)
			}
		}
		if err := markKeys(p, f.Tag.Get("botyard_keys")); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if err := checkAuthor(p); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if err := mark(p, f.Type); err != nil {
			return err
		}
		if p.Items != nil {
			if err := mark(p.Items, f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// markKeys marks keys of a map, of which nothing else is said.
func markKeys(p *jsonschema.Schema, tag string) error {
	if tag == "" {
		return nil
	}
	if p.Type != "object" || p.Properties != nil && p.Properties.Len() > 0 {
		return errors.New("botyard_keys is for maps")
	}
	p.Properties = jsonschema.NewProperties()
	for _, key := range strings.Fields(tag) {
		name, word, _ := strings.Cut(key, "=")
		keyword, ok := map[string]string{"tenant": TenantKeyword, "operator-only": OperatorKeyword}[word]
		if !ok || name == "" {
			return fmt.Errorf("botyard_keys has %q; expected NAME=tenant or NAME=operator-only", key)
		}
		p.Properties.Set(name, &jsonschema.Schema{Extras: map[string]any{keyword: true}})
	}
	return nil
}

// checkAuthor refuses marks of who may set a key that contradict each other.
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

// Decode fills out, a pointer to the struct that schemaJSON was made from: first
// the schema's defaults, then config over them. Unknown keys and wrong types are
// fault.Invalid.
func Decode(schemaJSON, config []byte, out any) error {
	var s jsonschema.Schema
	if err := json.Unmarshal(schemaJSON, &s); err != nil {
		return err
	}
	defaults, err := json.Marshal(defaultsOf(&s))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(defaults, out); err != nil {
		return fmt.Errorf("the defaults do not fit the configuration struct: %w", err)
	}
	if len(config) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		var typeErr *json.UnmarshalTypeError
		if errors.As(err, &typeErr) {
			return fault.New(fault.Invalid, "must be %s, not %s", typeErr.Type, typeErr.Value).
				At(typeErr.Field).By(fault.PartyTenant)
		}
		// json's other messages name a key at most, never a value.
		return fault.New(fault.Invalid, "%s", strings.TrimPrefix(err.Error(), "json: ")).By(fault.PartyTenant)
	}
	return nil
}

// defaultsOf collects the defaults of s's properties, nested ones too.
func defaultsOf(s *jsonschema.Schema) map[string]any {
	out := map[string]any{}
	for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
		p := pair.Value
		if p.Default != nil {
			out[pair.Key] = p.Default
		} else if p.Type == "object" && p.Properties != nil {
			if nested := defaultsOf(p); len(nested) > 0 {
				out[pair.Key] = nested
			}
		}
	}
	return out
}
