package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// Reader reads structs of type C from trees of maps, lists and scalars (bool, string, int64,
// float64). The schema of C must have accepted a tree before. Any number of goroutines may use a
// Reader.
//
// A field whose type is a struct without fields gets no value. Its key exists in the schema only.
type Reader[C any] struct {
	json     []byte
	defaults map[string]any
	root     *object
}

// NewReader returns the reader of the struct type C. An error names the field that has a wrong tag,
// or a type that the reader does not support.
func NewReader[C any]() (*Reader[C], error) {
	t := reflect.TypeFor[C]()
	s, err := reflectSchema(t)
	if err != nil {
		return nil, err
	}
	r := &Reader[C]{defaults: plainDefaults(defaultsOf(s)).(map[string]any)}
	if r.json, err = json.Marshal(s); err != nil {
		return nil, err
	}
	r.root, err = objectOf(t)
	return r, err
}

// Schema returns the JSON Schema of C. The caller does not change it.
func (r *Reader[C]) Schema() []byte { return r.json }

// Defaults returns the defaults of C's keys as a tree. The caller does not change it.
func (r *Reader[C]) Defaults() map[string]any { return r.defaults }

// Read returns a struct with the values of the tree, and with the defaults of C for keys that are
// not in the tree. It ignores a value whose type differs from the type of its field.
func (r *Reader[C]) Read(tree map[string]any) C {
	var out C
	r.root.read(tree, reflect.ValueOf(&out).Elem())
	return out
}

// object reads the values of one struct type.
type object struct{ fields []field }

type field struct {
	key       string
	index     int
	byDefault any
	// below reads the struct of the field. If the field is a map, it reads the structs in the map.
	below *object
}

// objectOf returns the reader of a struct type. It fails for a type that a reader cannot read.
func objectOf(t reflect.Type) (*object, error) {
	s, err := reflectSchema(t)
	if err != nil {
		return nil, err
	}
	out := &object{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, _ := keyOf(f)
		p, known := s.Properties.Get(key)
		if !known || f.Type.Kind() == reflect.Struct && f.Type.NumField() == 0 {
			continue
		}
		one := field{key: key, index: i, byDefault: plainDefaults(p.Default)}
		of := f.Type
		for of.Kind() == reflect.Map {
			of = of.Elem()
		}
		switch {
		case of.Kind() == reflect.Struct:
			one.below, err = objectOf(of)
		case !isReadable(of):
			err = fmt.Errorf("is a %s", of)
		}
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		out.fields = append(out.fields, one)
	}
	return out, nil
}

func isReadable(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64:
		return true
	}
	return false
}

func (o *object) read(values map[string]any, into reflect.Value) {
	for _, f := range o.fields {
		value, given := values[f.key]
		if !given {
			value = f.byDefault
		}
		f.set(into.Field(f.index), value)
	}
}

func (f *field) set(into reflect.Value, value any) {
	switch into.Kind() {
	case reflect.Struct:
		values, _ := value.(map[string]any)
		f.below.read(values, into)
	case reflect.Map:
		values, isMap := value.(map[string]any)
		if !isMap {
			return
		}
		into.Set(reflect.MakeMapWithSize(into.Type(), len(values)))
		for key, value := range values {
			element := reflect.New(into.Type().Elem()).Elem()
			f.set(element, value)
			into.SetMapIndex(reflect.ValueOf(key), element)
		}
	case reflect.Slice:
		list, _ := value.([]any)
		for _, item := range list {
			element := reflect.New(into.Type().Elem()).Elem()
			if setScalar(element, item) {
				into.Set(reflect.Append(into, element))
			}
		}
	default:
		setScalar(into, value)
	}
}

// setScalar sets into to value if value fits the type of into, and reports whether it does.
func setScalar(into reflect.Value, value any) bool {
	switch v := value.(type) {
	case string:
		if into.Kind() == reflect.String {
			into.SetString(v)
			return true
		}
	case bool:
		if into.Kind() == reflect.Bool {
			into.SetBool(v)
			return true
		}
	case int64:
		switch {
		case into.Type() == durationType:
			into.SetInt(v * int64(time.Second))
		case into.CanInt():
			into.SetInt(v)
		case into.CanFloat():
			into.SetFloat(float64(v))
		default:
			return false
		}
		return true
	case float64:
		switch {
		case into.Type() == durationType:
			into.SetInt(int64(v * float64(time.Second)))
		case into.CanFloat():
			into.SetFloat(v)
		default:
			return false
		}
		return true
	}
	return false
}

// plainDefaults returns value with an int64 or a float64 instead of each json.Number.
func plainDefaults(value any) any {
	switch v := value.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = plainDefaults(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plainDefaults(item)
		}
		return out
	}
	return value
}
