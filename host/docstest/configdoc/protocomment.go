package main

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	protoScope = regexp.MustCompile(`^(message|service|enum|oneof|extend) ([\w.]+) \{(\})?$`)
	protoRPC   = regexp.MustCompile(`^rpc (\w+)\(.*(\{|;)$`)
	protoField = regexp.MustCompile(`^(?:repeated |optional )?(?:map<[^>]+>|[\w.]+) (\w+) = \d+\b`)
	protoValue = regexp.MustCompile(`^(\w+) = \d+\b`)
)

// protoComments returns the comment above each service, RPC, message, enum, field and value of a
// .proto file that buf has formatted. The key is the full name. The key of an enum's value is the
// enum's full name, a dot and the value's name. What has no comment has an empty text.
//
// The generated Go code has descriptors of all of these, but no comments. A reader of this form
// of file needs no compiler.
func protoComments(pkg, src string) (map[string]string, error) {
	out := map[string]string{}
	scope := []string{pkg}
	var comment []string
	for i, line := range strings.Split(src, "\n") {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "//"); ok {
			comment = append(comment, strings.TrimPrefix(text, " "))
			continue
		}
		in := scope[len(scope)-1]
		add := func(name string) { out[in+"."+name] = strings.Join(comment, "\n") }
		if m := protoScope.FindStringSubmatch(line); m != nil {
			inner := in + "." + m[2]
			switch m[1] {
			case "oneof", "extend":
				inner = in // their fields belong to what is around them
			default:
				add(m[2])
			}
			if m[3] == "" {
				scope = append(scope, inner)
			}
		} else if m := protoRPC.FindStringSubmatch(line); m != nil {
			add(m[1])
			if m[2] == "{" {
				scope = append(scope, in)
			}
		} else if m := protoField.FindStringSubmatch(line); m != nil {
			add(m[1])
		} else if m := protoValue.FindStringSubmatch(line); m != nil {
			add(m[1])
		} else if line == "}" {
			if len(scope) == 1 {
				return nil, fmt.Errorf("line %d closes what is not open", i+1)
			}
			scope = scope[:len(scope)-1]
		}
		comment = nil
	}
	if len(scope) > 1 {
		return nil, fmt.Errorf("%s is not closed", scope[len(scope)-1])
	}
	return out, nil
}
