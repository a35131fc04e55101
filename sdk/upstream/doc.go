// Package upstream is the HTTP client of a plugin that calls the server of a model. It enforces the
// bounds of package sdk on everything that such a server sends: headers, errors, whole answers and
// streams of events. It obeys the egress policy and the operator's proxy, follows no redirect, never
// repeats a request, and cuts secrets out of the texts of the server.
//
// A plugin makes one [Client] for each instance. [Client.Do] sends a request and returns a
// [Response]. [Response.Events] reads a stream of server-sent events, and [Response.ReadAll] reads
// an answer as a whole. What a plugin needs of an event after the next one is read, it keeps with [Kept]. A library for the API of a server sends its requests with [Client.HTTP].
//
// # Files
//
//	client.go      Client: sends requests to one server
//	transport.go   the HTTP connections
//	proxy.go       proxies that environment variables name
//	unreachable.go the error of a request without a response
//	response.go    Response: status, body, the text of an error
//	body.go        bounds how much of a body is read, and how fast
//	events.go      Events: reads server-sent events
//	kept.go        Kept: what a plugin keeps of events, and counts
//	retry_after.go the time in the headers of a response after which a retry makes sense
//	secrets.go     Secrets: cuts secrets out of a text
//	base_url.go    parses the base URL of a server
package upstream
