package echo

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// object returns an object with the required properties of the schema. At a depth of less than
// fullDepth it also has the optional properties for which there is a value.
func (m *maker) object(s map[string]any, depth int) (any, error) {
	out := map[string]any{}
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, one := range required {
		name, _ := one.(string)
		schema, known := properties[name]
		if !known {
			schema = true
			if rest, ok := s["additionalProperties"]; ok {
				schema = rest
			}
		}
		v, err := m.member(name, schema, depth)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	if depth >= fullDepth {
		return out, nil
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if _, made := out[name]; made {
			continue
		}
		if v, err := m.member(name, properties[name], depth); err == nil {
			out[name] = v
		}
	}
	return out, nil
}

// member returns a value of the schema for the member with the name of an object at a depth.
func (m *maker) member(name string, schema any, depth int) (any, error) {
	if err := m.add(name); err != nil {
		return nil, err
	}
	return m.value(schema, depth+1)
}

func (m *maker) array(s map[string]any, depth int) (any, error) {
	out := []any{}
	least, most := amount(s, "minItems", 0), amount(s, "maxItems", maxItems)
	first, _ := s["prefixItems"].([]any)
	want := max(least, len(first))
	if want == 0 && depth < fullDepth {
		want = 1
	}
	if least > maxItems || least > 1 && s["uniqueItems"] == true {
		return nil, fmt.Errorf("it has a list of %d items", least)
	}
	for i := range min(want, most) {
		var item any = true
		if i < len(first) {
			item = first[i]
		} else if items, ok := s["items"]; ok {
			item = items
		}
		v, err := m.value(item, depth+1)
		if err != nil {
			if i >= least {
				break
			}
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// samples maps formats of JSON Schema to a text of each format.
var samples = map[string]string{
	"date-time": "2000-01-01T00:00:00Z", "date": "2000-01-01", "time": "00:00:00Z", "duration": "PT1S",
	"email": "echo@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uri": "https://example.com/", "uuid": "00000000-0000-4000-8000-000000000000",
}

// text returns a text of the schema. The first free text is the reply, and every further one is the
// plugin's name. s may be nil.
func (m *maker) text(s map[string]any) (any, error) {
	if format, ok := s["format"].(string); ok {
		if sample, ok := samples[format]; ok {
			return sample, nil
		}
	}
	text := m.reply
	if m.reply = ""; text == "" {
		text = Name
	}
	least, most := amount(s, "minLength", 0), amount(s, "maxLength", math.MaxInt32)
	if least > maxValues || least > most {
		return nil, fmt.Errorf("it has a text of %d characters", least)
	}
	runes := []rune(text)
	runes = runes[:min(len(runes), most)]
	text = string(runes) + strings.Repeat(".", max(0, least-len(runes)))
	return text, m.add(text)
}

// number returns a number that the schema allows, and as near to zero as it finds. It returns an error
// if it finds none. whole says that the number is an integer.
func number(s map[string]any, whole bool) (any, error) {
	n := 0.0
	step, stepped := s["multipleOf"].(float64)
	if !stepped || step <= 0 {
		step = 1
	}
	if least, ok := s["minimum"].(float64); ok && n < least {
		n = math.Ceil(least/step) * step
	}
	if least, ok := s["exclusiveMinimum"].(float64); ok && n <= least {
		n = (math.Floor(least/step) + 1) * step
	}
	if most, ok := s["maximum"].(float64); ok && n > most {
		n = math.Floor(most/step) * step
	}
	if most, ok := s["exclusiveMaximum"].(float64); ok && n >= most {
		n = (math.Ceil(most/step) - 1) * step
	}
	if !whole && !stepped {
		n = between(s, n)
	}
	if !allowed(s, n) || whole && n != math.Trunc(n) {
		return nil, fmt.Errorf("the echo finds no number for it")
	}
	return n, nil
}

// between returns n if the schema allows it, or else the middle of the schema's bounds.
func between(s map[string]any, n float64) float64 {
	if allowed(s, n) {
		return n
	}
	bound := func(a, b string, pick func(float64, float64) float64, none float64) float64 {
		one, ok := s[a].(float64)
		if !ok {
			one = none
		}
		if other, ok := s[b].(float64); ok {
			return pick(one, other)
		}
		return one
	}
	least := bound("minimum", "exclusiveMinimum", math.Max, math.Inf(-1))
	most := bound("maximum", "exclusiveMaximum", math.Min, math.Inf(1))
	return least/2 + most/2
}

// allowed reports whether n keeps the bounds of the schema and is a multiple of multipleOf.
func allowed(s map[string]any, n float64) bool {
	for word, keeps := range map[string]func(float64) bool{
		"minimum": func(b float64) bool { return n >= b }, "exclusiveMinimum": func(b float64) bool { return n > b },
		"maximum": func(b float64) bool { return n <= b }, "exclusiveMaximum": func(b float64) bool { return n < b },
		"multipleOf": func(b float64) bool { return b <= 0 || math.Abs(n/b-math.Round(n/b)) < 1e-9 },
	} {
		if b, ok := s[word].(float64); ok && !keeps(b) {
			return false
		}
	}
	return true
}

// amount returns the value of a keyword that is a whole number, or none if the schema does not have it.
func amount(s map[string]any, word string, none int) int {
	if n, ok := s[word].(float64); ok && n >= 0 && n <= math.MaxInt32 {
		return int(n)
	}
	return none
}
