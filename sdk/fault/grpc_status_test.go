package fault

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// trailers serves a plugin's answer that has the headers of the request "answer" as they are, and
// returns a connection to the plugin's server.
func trailers(t *testing.T, answer http.Handler) *grpc.ClientConn {
	t.Helper()
	server := httptest.NewUnstartedServer(answer)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	conn, err := grpc.NewClient("passthrough:///"+server.Listener.Addr().(*net.TCPAddr).String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// call makes a call that the server answers with the headers, and returns the error that the host
// reads.
func call(t *testing.T, headers map[string]string) *Error {
	t.Helper()
	conn := trailers(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		for name, value := range headers {
			w.Header().Set(name, value)
		}
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return Of(conn.Invoke(ctx, "/botyard.llm.v1.LLMService/Chat", new(emptypb.Empty), new(emptypb.Empty)))
}

// TestOf_trailersOfLibraries checks what the host reads from the trailers that the gRPC libraries of
// other languages send. Each message is the text in the source of the library, encoded as the
// library encodes it.
func TestOf_trailersOfLibraries(t *testing.T) {
	const plugin, nobody = PartyPlugin, PartyUnknown
	for name, c := range map[string]struct {
		code    int
		message string
		class   Class
		party   Party // nobody: the party that the class and the origin give
		cause   error
	}{
		"grpc-go: the request is too large":        {8, "grpc: received message larger than max (5242880 vs. 4194304)", Invalid, plugin, ErrRequestTooLarge},
		"grpc-go: the request inflates":            {8, "grpc: message after decompression larger than max (5242880 vs. 4194304)", Invalid, plugin, ErrRequestTooLarge},
		"grpc-go: the answer is too large":         {8, "trying to send message larger than max (5242880 vs. 4194304)", Internal, plugin, ErrAnswerTooLarge},
		"grpc-python: the request is too large":    {8, "SERVER: Received message larger than max (5242880 vs. 4194304)", Invalid, plugin, ErrRequestTooLarge},
		"older grpc-python: the request":           {8, "Received message larger than max (5242880 vs. 4194304)", Invalid, plugin, ErrRequestTooLarge},
		"grpc-python: the answer is too large":     {8, "SERVER: Sent message larger than max (5242880 vs. 4194304)", Internal, plugin, ErrAnswerTooLarge},
		"grpc-js: the request is too large":        {8, "Received message larger than max (5242880 vs 4194304)", Invalid, plugin, ErrRequestTooLarge},
		"grpc-js: the answer is too large":         {8, "Sent message larger than max (5242880 vs. 4194304)", Internal, plugin, ErrAnswerTooLarge},
		"grpc-js: the answer, by the filter":       {8, "Attempted to send message with a size larger than 4194304", Internal, plugin, ErrAnswerTooLarge},
		"grpc-java: the request is too large":      {8, "gRPC message exceeds maximum size 4194304: 5242880", Invalid, plugin, ErrRequestTooLarge},
		"grpc-java: the request inflates":          {8, "Decompressed gRPC message exceeds maximum size 4194304", Invalid, plugin, ErrRequestTooLarge},
		"grpc-java: the answer is too large":       {8, "message too large 5242880 > 4194304", Internal, plugin, ErrAnswerTooLarge},
		"grpc-dotnet: the request is too large":    {8, "Received message exceeds the maximum configured message size.", Invalid, plugin, ErrRequestTooLarge},
		"grpc-dotnet: the answer is too large":     {8, "Sending message exceeds the maximum configured message size.", Internal, plugin, ErrAnswerTooLarge},
		"tonic: the request is too large":          {11, "Error, decoded message length too large: found 5242880 bytes, the limit is: 4194304 bytes", Invalid, plugin, ErrRequestTooLarge},
		"tonic: the answer is too large":           {11, "Error, encoded message length too large: found 5242880 bytes, the limit is: 4194304 bytes", Internal, plugin, ErrAnswerTooLarge},
		"an author's own limit of calls":           {8, "slow down", RateLimited, nobody, nil},
		"grpc-python: an exception":                {2, "Exception calling application: division by zero", Internal, plugin, nil},
		"grpc-python: an exception in a stream":    {2, "Exception iterating responses: 'float' object is not iterable", Internal, plugin, nil},
		"grpc.aio: an exception":                   {2, "Unexpected <class 'ValueError'>: größer%0Als", Internal, plugin, nil},
		"grpc-js: an exception":                    {2, "Server method handler threw error x is not a function", Internal, plugin, nil},
		"grpc-java: an exception":                  {2, "Application error processing RPC", Internal, plugin, nil},
		"grpc-dotnet: an exception":                {2, "Exception was thrown by handler. ArgumentException: x", Internal, plugin, nil},
		"grpc-python: an exception and no details": {2, "", Internal, plugin, nil},
		"grpc-go: no such service":                 {12, "unknown service botyard.llm.v1.LLMService", Unsupported, plugin, nil},
		"grpc-go: no such method":                  {12, "method Chat not implemented", Unsupported, plugin, nil},
		"grpc-python: no such method":              {12, "Method not found!", Unsupported, plugin, nil},
		"grpc-js: no such method":                  {12, "The server does not implement the method /botyard.llm.v1.LLMService/Chat", Unsupported, plugin, nil},
		"grpc-java: no such method":                {12, "Method not found: botyard.llm.v1.LLMService/Chat", Unsupported, plugin, nil},
		"grpc-dotnet: no such method":              {12, "Method is unimplemented.", Unsupported, plugin, nil},
		"grpc-python: not a message":               {13, "Exception deserializing request!", Internal, plugin, nil},
		"a server that stops":                      {14, "Server shutdown", PluginUnavailable, plugin, nil},
		"the deadline of the server":               {4, "Deadline Exceeded", Deadline, nobody, nil},
		"a call that the server cancels":           {1, "Cancelled", Canceled, nobody, nil},
		"an author's own refusal":                  {3, "bad", Invalid, nobody, nil},
		"an author's own state":                    {9, "not now", Invalid, nobody, nil},
		"a code that does not exist":               {99, "x", Internal, plugin, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := call(t, map[string]string{"Grpc-Status": strconv.Itoa(c.code), "Grpc-Message": c.message})
			if e.Class != c.class || e.Origin != OriginPlugin {
				t.Errorf("read as %s of origin %d: %v", e.Class, e.Origin, e)
			}
			if from := e.From(OriginModel); c.party == nobody && from.Party != c.class.party(OriginModel) || c.party != nobody && from.Party != c.party {
				t.Errorf("blames %s", from.Party)
			}
			if want := classes[c.class].retryable; e.Retryable != want {
				t.Errorf("retryable is %t; want %t", e.Retryable, want)
			}
			if errors.Is(e, ErrTooLarge) != (c.cause != nil) || c.cause != nil && !errors.Is(e, c.cause) {
				t.Errorf("wraps %v; want %v", e.Err, c.cause)
			}
			if end := strings.ReplaceAll(c.message, "%0A", "\n"); !strings.HasSuffix(e.Message, end) {
				t.Errorf("says %q", e.Message)
			}
		})
	}
}

// TestOf_resetStreams checks what the host reads from a stream that the plugin's server breaks off
// without trailers. The host's own library writes the text.
func TestOf_resetStreams(t *testing.T) {
	for reason, c := range map[string]struct {
		code  codes.Code // as grpc-go converts the reason
		class Class
	}{
		"NO_ERROR":            {codes.Internal, Internal},
		"PROTOCOL_ERROR":      {codes.Internal, Internal},
		"INTERNAL_ERROR":      {codes.Internal, Internal},
		"FLOW_CONTROL_ERROR":  {codes.ResourceExhausted, Internal},
		"REFUSED_STREAM":      {codes.Unavailable, PluginUnavailable},
		"CANCEL":              {codes.Canceled, Canceled},
		"ENHANCE_YOUR_CALM":   {codes.ResourceExhausted, RateLimited},
		"INADEQUATE_SECURITY": {codes.PermissionDenied, Internal},
		"HTTP_1_1_REQUIRED":   {codes.Internal, Internal},
	} {
		t.Run(reason, func(t *testing.T) {
			e := Of(status.Error(c.code, "stream terminated by RST_STREAM with error code: "+reason)).From(OriginModel)
			if e.Class != c.class || e.Party != PartyPlugin || !strings.Contains(e.Message, "gRPC server") || errors.Is(e, ErrTooLarge) {
				t.Errorf("read as %s of the %s: %v", e.Class, e.Party, e)
			}
		})
	}
	if e := Of(status.Error(codes.DeadlineExceeded, resetText+"CANCEL")); e.Class != Deadline {
		t.Errorf("a stream that is reset after its deadline is %s", e.Class)
	}
	t.Run("over a connection", func(t *testing.T) {
		conn := trailers(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		e := Of(conn.Invoke(ctx, "/a.B/C", new(emptypb.Empty), new(emptypb.Empty)))
		if e.Class != Internal || e.Party != PartyPlugin || !strings.Contains(e.Message, "INTERNAL_ERROR") {
			t.Errorf("read as %s of the %s: %v", e.Class, e.Party, e)
		}
	})
}

// TestOf_otherServers checks that a server that is none of gRPC is not taken for one that refuses
// the tenant's credentials.
func TestOf_otherServers(t *testing.T) {
	for code, want := range map[int]Class{401: Internal, 403: Internal, 400: Internal, 404: Unsupported, 500: Internal, 503: PluginUnavailable} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			conn := trailers(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			e := Of(conn.Invoke(ctx, "/a.B/C", new(emptypb.Empty), new(emptypb.Empty)))
			if e.Class != want || e.Party != PartyPlugin {
				t.Errorf("read as %s of the %s: %v", e.Class, e.Party, e)
			}
		})
	}
}

// TestOf_trailerBytes checks that the host reads a Fault that was written byte by byte, with and
// without the padding of base64.
func TestOf_trailerBytes(t *testing.T) {
	bytes, err := hex.DecodeString(strings.Join(strings.Fields(`
		08 03
		12 0b 69 73 20 6e 6f 20 6d 6f 64 65 6c
		1a 44
		   0a 2a 74 79 70 65 2e 67 6f 6f 67 6c 65 61 70 69 73 2e 63 6f 6d 2f
		         62 6f 74 79 61 72 64 2e 66 61 75 6c 74 2e 76 31 2e 46 61 75 6c 74
		   12 16
		      08 02
		      12 0b 69 73 20 6e 6f 20 6d 6f 64 65 6c
		      1a 05 6d 6f 64 65 6c`), ""))
	if err != nil {
		t.Fatal(err)
	}
	for name, encoding := range map[string]*base64.Encoding{"padded": base64.StdEncoding, "not padded": base64.RawStdEncoding} {
		t.Run(name, func(t *testing.T) {
			e := call(t, map[string]string{"Grpc-Status": "3", "Grpc-Message": "is no model", "Grpc-Status-Details-Bin": encoding.EncodeToString(bytes)})
			if e.Class != Invalid || e.Error() != "model: is no model" || e.Retryable || e.From(OriginModel).Party != PartyTenant {
				t.Errorf("read as %+v", e)
			}
		})
	}
}
