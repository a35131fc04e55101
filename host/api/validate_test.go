package api

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// badTexts are invalid values by name, as they are escaped in a path or a query.
var badTexts = map[string]string{
	"not UTF-8": "%ff", "half a character": "a%c3", "NUL": "%00", "control": "a%0ab", "C1 control": "%c2%85",
}

// filled returns the pattern with a value for each parameter.
func filled(pattern string) string {
	return strings.NewReplacer("{id}", "a", "{version}", "1", "{conversation}", "c", "{turn}", "1").Replace(pattern)
}

// TestValidated_emptyValues checks every route with every parameter, header and body field that the
// route accepts. Each request has one value that is empty, not text, or repeated. Every request is
// refused with an error of the caller, and changes nothing.
func TestValidated_emptyValues(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.chat("a", "c", "hello")
	asked := 0
	refuse := func(method, path string, h headers, body string, status int, at string) {
		t.Helper()
		asked++
		if h == nil {
			h = headers{}
		}
		if !strings.HasPrefix(path, "/admin/") && h[tenantHeader] == "" {
			h[tenantHeader] = "a"
		}
		if strings.HasSuffix(path, "/import") && h["Content-Type"] == "" {
			h["Content-Type"] = ndjsonType
		}
		s.refuse(refusal{"", method, path, h, body, status, fault.Invalid, at, ""})
	}
	for pattern, methods := range s.server.routes() {
		path := filled(pattern)
		for method, ro := range methods {
			body := ""
			if ro.body {
				body = "{}"
			}
			for _, name := range ro.query {
				for _, empty := range []string{"=", "", "&"} {
					refuse(method, path+"?"+name+empty, nil, body, 400, name)
				}
				for _, bad := range badTexts {
					refuse(method, path+"?"+name+"="+bad, nil, body, 400, name)
				}
				refuse(method, path+"?"+name+"=1&"+name+"=", nil, body, 400, name)
				refuse(method, path+"?"+name+"=1;x=2", nil, body, 400, "")
			}
			refuse(method, path+"?limt=1", nil, body, 400, "limt")
			refuse(method, path+"?=x", nil, body, 400, "")
			refuse(method, path+"?%ff=x", nil, body, 400, "\ufffd")

			for _, name := range pathParameters(pattern) {
				for _, bad := range badTexts {
					broken := filled(strings.Replace(pattern, "{"+name+"}", bad, 1))
					refuse(method, broken, nil, body, 400, name)
				}
				for _, no := range []string{"", ".", ".."} {
					broken := filled(strings.Replace(pattern, "{"+name+"}", no, 1))
					switch {
					case !strings.HasSuffix(broken, "/"):
						refuse(method, broken, nil, body, 400, "")
					default: // an empty last part makes the path of another route, which does not exist
						asked++
						s.refuse(refusal{"", method, broken, nil, body, 404, fault.NotFound, "", ""})
					}
				}
			}

			for _, name := range singleHeaders {
				status := 400
				if name == "Content-Type" {
					status = 415
				}
				for _, bad := range []string{" ", "a\nb", "\n", "a\xff", "caf\xe9", "a\tb"} {
					refuse(method, path, headers{name: bad}, body, status, name)
				}
			}
			if !ro.body {
				refuse(method, path, headers{"Content-Type": "application/json"}, `{"dry_run": true}`, 400, "")
				continue
			}
			for _, name := range s.fields(method, path) {
				for _, empty := range []string{`null`, `""`, `[""]`, `[null]`} {
					asked++
					resp := s.request(method, path, headers{tenantHeader: "a"}, `{"`+name+`":`+empty+`}`)
					if resp.StatusCode != 400 && !(resp.StatusCode == 422 && (name == "message" || name == "conversation_id")) {
						t.Errorf("%s %s %s: %s: %d", method, path, name, empty, resp.StatusCode)
					}
				}
			}
		}
	}
	if asked < 1000 {
		t.Errorf("only %d requests", asked)
	}
	if turns := s.turns("a", "c"); len(turns) != 1 {
		t.Errorf("%d turns; a refused request added a turn", len(turns))
	}
}

// fields returns the names of the fields in the JSON body of a route, which it reads from an error
// of the route. It returns nil for import, PUT and PATCH, whose bodies are not decoded by
// decodeObject.
func (s *testServer) fields(method, path string) []string {
	if strings.HasSuffix(path, "/import") || method == "PUT" || method == "PATCH" {
		return nil
	}
	var p Problem
	s.call(method, path, headers{tenantHeader: "a"}, `{"no field":1}`, 400, &p)
	_, names, ok := strings.Cut(p.Detail, "expected ")
	if !ok {
		s.Fatalf("%s %s: %s", method, path, p.Detail)
	}
	return strings.Split(names, ", ")
}

// TestQuery_userID checks that an empty user is refused, and does not mean all users.
func TestQuery_userID(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.call("POST", "/api/v1/chat", headers{tenantHeader: "a"}, chatBody("c1", "m", "user_id", "ünal"), 200, nil)
	s.call("POST", "/api/v1/chat", headers{tenantHeader: "a"}, chatBody("c2", "m"), 200, nil)
	var list Conversations
	s.call("GET", "/api/v1/conversations?user_id="+url.QueryEscape("ünal"), headers{tenantHeader: "a"}, "", 200, &list)
	if len(list.Conversations) != 1 || list.Conversations[0].ID != "c1" {
		t.Errorf("%+v", list)
	}
	for _, query := range []string{"user_id=", "user_id", "user_id=" + strings.Repeat("x", 300), "after=", "limit"} {
		name, _, _ := strings.Cut(query, "=")
		s.refuse(refusal{"", "GET", "/api/v1/conversations?" + query, headers{tenantHeader: "a"}, "", 400, fault.Invalid, name, ""})
	}
	// A query without a user lists the conversations of all users.
	for _, query := range []string{"", "?", "?&", "?&&limit=1"} {
		s.call("GET", "/api/v1/conversations"+query, headers{tenantHeader: "a"}, "", 200, nil)
	}
}

// TestRefuseBody checks that a chunked body that turns out to be empty is accepted, and another
// chunked body is refused.
func TestRefuseBody(t *testing.T) {
	s := serve(t, Options{})
	for name, c := range map[string]struct{ body, status string }{
		"empty": {"0\r\n\r\n", "200"}, "one byte": {"1\r\n{\r\n0\r\n\r\n", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			connection := s.in(t).raw("DELETE /admin/v1/cache HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + c.body)
			got, err := io.ReadAll(connection)
			if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 "+c.status) {
				t.Errorf("the response is %s, %v", got, err)
			}
		})
	}
}

// TestValidated_tooManyHeaders checks the maximum number of headers and their maximum size.
//
// beyond: headers
func TestValidated_tooManyHeaders(t *testing.T) {
	s := serve(t, Options{})
	const get = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
	s.answered(s.raw(get+strings.Repeat("X: y\r\n", bounds.HeaderFields)+"\r\n"), 200)
	s.answered(s.raw(get+strings.Repeat("X: y\r\n", bounds.HeaderFields+1)+"\r\n"), 431)
	s.answered(s.raw(get+"X: "+strings.Repeat("y", bounds.HeaderBytes+8<<10)+"\r\n\r\n"), 431)
}
