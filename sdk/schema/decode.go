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

// Decode reads a configuration into out, which points to the struct that schemaJSON describes. It
// sets the defaults of the schema, and then the values of config. For an unknown key or a wrong
// type it returns fault.Invalid with the tenant as party. The error never contains a value.
func Decode(schemaJSON, config []byte, out any) error {
	var s jsonschema.Schema
	if err := json.Unmarshal(schemaJSON, &s); err != nil {
		return err
	}
	defaults, err := json.Marshal(defaultsOf(&s))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(secondsToNanoseconds(defaults, reflect.TypeOf(out)), out); err != nil {
		return fmt.Errorf("the defaults do not fit the configuration struct: %w", err)
	}
	if len(config) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(secondsToNanoseconds(config, reflect.TypeOf(out))))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		var typeErr *json.UnmarshalTypeError
		if errors.As(err, &typeErr) {
			return fault.New(fault.Invalid, "must be %s, not %s", typeErr.Type, typeErr.Value).
				At(fault.Keys(typeErr.Field)...).By(fault.PartyTenant)
		}
		// Other errors of encoding/json than type errors may contain the name of a key, but no
		// value.
		return fault.New(fault.Invalid, "%s", strings.TrimPrefix(err.Error(), "json: ")).By(fault.PartyTenant)
	}
	return nil
}

// defaultsOf returns the defaults of all properties as a tree.
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
