package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"
)

// Of returns the JSON Schema of the struct type C. An error names the field that has a wrong tag.
func Of[C any]() ([]byte, error) {
	s, err := reflectSchema(reflect.TypeFor[C]())
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// reflectSchema returns the schema of the struct type t with the keywords of this package.
func reflectSchema(t reflect.Type) (*jsonschema.Schema, error) {
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		RequiredFromJSONSchemaTags: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if t == durationType {
				return &jsonschema.Schema{Type: "number"}
			}
			return nil
		},
	}
	s := r.ReflectFromType(t)
	if s.Type != "object" {
		return nil, fmt.Errorf("a configuration is a struct, not %s", t)
	}
	return s, mark(s, t)
}

var durationType = reflect.TypeFor[time.Duration]()
