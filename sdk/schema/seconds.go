package schema

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"
)

// secondsToNanoseconds returns the configuration with nanoseconds instead of seconds in each field
// of type time.Duration, because encoding/json reads nanoseconds. It leaves a value unchanged that
// is not a number or is out of range. Decoding that value then fails with the reason.
func secondsToNanoseconds(config []byte, t reflect.Type) []byte {
	if !hasDuration(t) {
		return config
	}
	d := json.NewDecoder(bytes.NewReader(config))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil || d.More() {
		return config
	}
	out, err := json.Marshal(scaled(tree, t))
	if err != nil {
		return config
	}
	return out
}

// hasDuration reports whether a value of type t contains a time.Duration. t must not be recursive.
func hasDuration(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return hasDuration(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasDuration(t.Field(i).Type) {
				return true
			}
		}
	}
	return t == durationType
}

func scaled(value any, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case json.Number:
		if t == durationType {
			return nanoseconds(v)
		}
	case []any:
		if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
			for i := range v {
				v[i] = scaled(v[i], t.Elem())
			}
		}
	case map[string]any:
		switch t.Kind() {
		case reflect.Map:
			for key := range v {
				v[key] = scaled(v[key], t.Elem())
			}
		case reflect.Struct:
			scaleFields(v, t)
		}
	}
	return value
}

func scaleFields(values map[string]any, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, embedded := keyOf(f)
		if embedded {
			scaleFields(values, f.Type)
		} else if value, given := values[name]; given {
			values[name] = scaled(value, f.Type)
		}
	}
}

func nanoseconds(seconds json.Number) json.Number {
	f, err := seconds.Float64()
	if f *= float64(time.Second); err != nil || math.Abs(f) >= 1<<63 {
		return seconds
	}
	return json.Number(strconv.FormatInt(int64(f), 10))
}
