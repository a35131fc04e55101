package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/invopop/jsonschema"
)

// MaxOverridesBytes bounds the overrides of one request.
const MaxOverridesBytes = 64 << 10

// Override returns a copy of the configuration in which the values of overrides count. overrides is
// a JSON object of keys that a request may override: those whose botyard tag has the word override.
// A value of 0, false or "" counts like any other. For another key, and for a value that the schema
// refuses, Override returns fault.Invalid with the caller as party and a path such as
// "overrides.options.seed". Without overrides it returns config itself.
func Override[C any](config C, overrides json.RawMessage) (C, error) {
	if len(overrides) == 0 {
		return config, nil
	}
	if len(overrides) > MaxOverridesBytes {
		return config, notOverridden(root, "have %d bytes; at most %d are taken", len(overrides), MaxOverridesBytes)
	}
	s, err := schemaOf(reflect.TypeFor[C]())
	if err != nil {
		return config, err
	}
	if err := checkOverrides(s, overrides, root); err != nil {
		return config, err
	}
	// The copy goes through JSON, so that it shares no map and no pointer with config.
	var out C
	text, err := json.Marshal(config)
	if err != nil {
		return config, err
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return config, err
	}
	if err := json.Unmarshal(secondsToNanoseconds(overrides, reflect.TypeFor[C]()), &out); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return config, notOverridden(fault.Keys(wrong.Field).Below("overrides"), "must be %s, not %s", wrong.Type, wrong.Value)
		}
		return config, notOverridden(root, "cannot be read")
	}
	return out, nil
}

var schemas sync.Map // *jsonschema.Schema by the struct type

func schemaOf(t reflect.Type) (*jsonschema.Schema, error) {
	if s, ok := schemas.Load(t); ok {
		return s.(*jsonschema.Schema), nil
	}
	s, err := reflectSchema(t)
	if err != nil {
		return nil, err
	}
	schemas.Store(t, s)
	return s, nil
}

// root is the path of the overrides in a request.
var root = fault.Path{"overrides"}

func checkOverrides(s *jsonschema.Schema, text json.RawMessage, path fault.Path) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil || keys == nil {
		return notOverridden(path, "is not a JSON object")
	}
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names) // so that of several errors always the same is returned
	for _, name := range names {
		at := fault.Path{name}.Below(path...)
		p, known := s.Properties.Get(name)
		switch {
		case known && p.Extras[OverrideKeyword] == true:
			if err := checkValue(p, keys[name], at); err != nil {
				return err
			}
		case known && hasOverridable(p):
			if err := checkOverrides(p, keys[name], at); err != nil {
				return err
			}
		default:
			return notOverridden(at, "is not a key that a request may override")
		}
	}
	return nil
}

// hasOverridable reports whether a request may override a key of the block.
func hasOverridable(block *jsonschema.Schema) bool {
	for pair := block.Properties.Oldest(); pair != nil; pair = pair.Next() {
		if pair.Value.Extras[OverrideKeyword] == true || hasOverridable(pair.Value) {
			return true
		}
	}
	return false
}

// checkValue returns an error for a value that the keywords of a scalar refuse. json.Unmarshal
// checks the type afterwards.
func checkValue(p *jsonschema.Schema, text json.RawMessage, path fault.Path) error {
	var value any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return notOverridden(path, "is no JSON value")
	}
	if len(p.Enum) > 0 && !slices.ContainsFunc(p.Enum, func(one any) bool { return fmt.Sprint(one) == fmt.Sprint(value) }) {
		return notOverridden(path, "must be one of %v", p.Enum)
	}
	switch v := value.(type) {
	case nil:
		return notOverridden(path, "is null; leave the key out instead")
	case json.Number:
		n, err := v.Float64()
		if err != nil {
			return notOverridden(path, "is too large a number")
		}
		if least, err := p.Minimum.Float64(); err == nil && n < least {
			return notOverridden(path, "must be at least %s", p.Minimum)
		}
		if most, err := p.Maximum.Float64(); err == nil && n > most {
			return notOverridden(path, "must be at most %s", p.Maximum)
		}
	case string:
		n := uint64(utf8.RuneCountInString(v))
		if p.MinLength != nil && n < *p.MinLength || p.MaxLength != nil && n > *p.MaxLength {
			return notOverridden(path, "has a wrong length")
		}
		if p.Pattern != "" {
			if re, err := regexp.Compile(p.Pattern); err == nil && !re.MatchString(v) {
				return notOverridden(path, "does not match %s", p.Pattern)
			}
		}
	}
	return nil
}

func notOverridden(path fault.Path, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(path...).By(fault.PartyCaller)
}
