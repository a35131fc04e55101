package plugintest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// configure configures an instance in the process.
func (p *process) configure(ctx context.Context, b *bench, id string) error {
	_, err := pluginv1.NewPluginServiceClient(p.conn).Configure(ctx, &pluginv1.ConfigureRequest{Instance: id, Config: b.config})
	if err != nil {
		return p.because(fmt.Errorf("it does not take the configuration: %w", err))
	}
	return nil
}

// release releases an instance of the process.
func (p *process) release(ctx context.Context, id string) error {
	_, err := pluginv1.NewPluginServiceClient(p.conn).Release(ctx, &pluginv1.ReleaseRequest{Instance: id})
	return err
}

func checkConfigure(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	info, err := b.info(ctx)
	if err != nil {
		return err
	}
	at := 4
	if n := int(info.MaxConcurrentCalls); n > 0 {
		at = min(at, n)
	}
	done := make(chan error, at)
	for range at {
		go func() { done <- p.configure(ctx, b, "again") }()
	}
	var wrong []error
	for range at {
		wrong = append(wrong, <-done)
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	if err := p.configure(ctx, b, "again"); err != nil {
		return fmt.Errorf("the second time: %w", err)
	}
	for _, id := range []string{"again", "again", "never"} {
		if err := p.release(ctx, id); err != nil {
			return p.because(fmt.Errorf("the call Release of an instance that was released or never configured: %w", err))
		}
	}
	return nil
}

func checkUnknownInstance(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	if err := p.configure(ctx, b, "released"); err != nil {
		return err
	}
	if err := p.release(ctx, "released"); err != nil {
		return err
	}
	for _, id := range []string{"never", "released"} {
		err := b.callInstance(ctx, p.conn, id)
		switch {
		case status.Code(errors.Unwrap(err)) == codes.Unimplemented, status.Code(err) == codes.Unimplemented:
			return errSkip
		case err == nil:
			return fmt.Errorf("a call on the instance %q, which it does not have, succeeds", id)
		case !fault.Is(fault.Of(err), fault.UnknownInstance):
			return p.because(fmt.Errorf("a call on the instance %q, which it does not have, fails with: %w", id, err))
		}
	}
	return nil
}

// callInstance makes a usual call of the plugin's kind on an instance.
func (b *bench) callInstance(ctx context.Context, conn *grpc.ClientConn, id string) error {
	method := map[string]string{"llm": "Chat", "memory": "Recall", "storage": "List"}[b.kind]
	m := methodOf(serviceOf[b.kind], method)
	if m == nil {
		return errSkip
	}
	req := dynamicpb.NewMessage(m.Input())
	// The plugin finds the instance before it looks at anything else, so that the host, which
	// configures it then, never sees another error.
	setInstance(req, id)
	fill(req)
	_, err := callOnce(ctx, conn, m, req)
	return err
}

// fill gives a request of a usual call what it needs to be valid.
func fill(req *dynamicpb.Message) {
	fields := req.Descriptor().Fields()
	if f := fields.ByName("call"); f != nil {
		call := req.Mutable(f).Message()
		for name, text := range map[protoreflect.Name]string{"tenant": "kit", "conversation": "c", "user": "u"} {
			if f := call.Descriptor().Fields().ByName(name); f != nil {
				call.Set(f, protoreflect.ValueOfString(text))
			}
		}
	}
	if f := fields.ByName("limit"); f != nil && f.Kind() == protoreflect.Int32Kind {
		req.Set(f, protoreflect.ValueOfInt32(1))
	}
	if f := fields.ByName("messages"); f != nil && f.IsList() {
		list := req.Mutable(f).List()
		m := list.NewElement()
		m.Message().Set(m.Message().Descriptor().Fields().ByName("role"), protoreflect.ValueOfEnum(2))
		parts := m.Message().Mutable(m.Message().Descriptor().Fields().ByName("parts")).List()
		part := parts.NewElement()
		part.Message().Set(part.Message().Descriptor().Fields().ByName("text"), protoreflect.ValueOfString("Hello."))
		parts.Append(part)
		list.Append(m)
	}
}

func checkSizes(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	// A field that no version knows makes any request as large as is wished.
	const unknown = 100_000
	req := &pluginv1.GetInfoRequest{}
	data := make([]byte, sdk.MaxMessageBytes-16)
	req.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, unknown, protowire.BytesType), data))
	if _, err := pluginv1.NewPluginServiceClient(p.conn).GetInfo(ctx, req); err != nil {
		return p.because(fmt.Errorf("a request of %d bytes, of which all but a few are a field that it does not know: %w", proto.Size(req), err))
	}
	return nil
}

func checkBadRequests(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	const id = "bad"
	if err := p.configure(ctx, b, id); err != nil {
		return err
	}
	var methods []protoreflect.MethodDescriptor
	for _, service := range []string{pluginService, serviceOf[b.kind]} {
		methods = append(methods, methodsOf(service)...)
	}
	for _, m := range methods {
		for _, instance := range []string{"", id} {
			req := dynamicpb.NewMessage(m.Input())
			if setInstance(req, instance); instance == "" {
				req = dynamicpb.NewMessage(m.Input())
			}
			if (m.Name() == "Release" || m.Name() == "Check") && instance == id {
				continue // a check asks the upstream, which may be silent
			}
			if _, err := callOnce(ctx, p.conn, m, req); ctx.Err() != nil {
				return p.because(fmt.Errorf("%s: a request in which everything is missing is not answered: %w", m.FullName(), err))
			}
			if err := p.answers(ctx); err != nil {
				return fmt.Errorf("%s: after a request in which everything is missing: %w", m.FullName(), err)
			}
		}
	}
	return nil
}

func checkUnknownMethod(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	for _, method := range []string{"/" + pluginService + "/NotThere", "/" + serviceOf[b.kind] + "/NotThere", "/botyard.none.v1.NoService/NotThere"} {
		if code := status.Code(callEmpty(ctx, p.conn, method)); code != codes.Unimplemented {
			return p.because(fmt.Errorf("a call of %s ends with %s, and not with UNIMPLEMENTED", method, code))
		}
	}
	return nil
}

// manyCalls is how many calls at once a plugin gets that takes any number.
const manyCalls = 64

func checkCallsAtOnce(ctx context.Context, b *bench) error {
	info, err := b.info(ctx)
	if err != nil {
		return err
	}
	p := b.shared
	const id = "many"
	if err := p.configure(ctx, b, id); err != nil {
		return err
	}
	n := manyCalls
	if limit := int(info.MaxConcurrentCalls); limit > 0 {
		n = min(n, limit)
	}
	calls, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, n)
	open := make(chan struct{}, n)
	for range n {
		go func() { done <- b.longCall(calls, p.conn, id, func() { open <- struct{}{} }) }()
	}
	ended := 0
	for sent := 0; sent < n; { // all requests are sent, whether they are answered or not
		select {
		case <-open:
			sent++
		case err := <-done:
			if err != nil {
				return p.because(fmt.Errorf("one of %d calls at once: %w", n, err))
			}
			ended++
		}
	}
	// The first checks may be served before the calls are.
	var health error
	for range 10 {
		if health = p.healthy(ctx); health != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	for range n - ended {
		if err := <-done; err != nil && health == nil && calls.Err() == nil {
			health = err
		}
	}
	if health != nil {
		return fmt.Errorf("while %d calls are open, as max_concurrent_calls = %d allows: %w", n, info.MaxConcurrentCalls, health)
	}
	return nil
}

// longCall makes a call of the plugin's kind that takes long, if the kind has one. It calls
// sent when the request is sent.
func (b *bench) longCall(ctx context.Context, conn *grpc.ClientConn, id string, sent func()) error {
	if b.kind != llm.Kind {
		sent()
		err := b.callInstance(ctx, conn, id)
		if ctx.Err() != nil || errors.Is(err, errSkip) || status.Code(err) == codes.Unimplemented || isUpstreams(err) {
			return nil
		}
		return err
	}
	// The client waits for each answer, so the stream is read only up to its first answer.
	_, err := llm.NewClient(sentConn{conn, sent}, id).Chat(ctx, &llm.Request{
		Call:     sdk.Call{Tenant: "kit", Conversation: "c", User: "u"},
		Messages: []chat.Message{chat.Text(chat.User, "Count from 1 to 10000, in words, one a line.")},
	}, func(llm.Delta) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if ctx.Err() != nil || isUpstreams(err) {
		return nil
	}
	return err
}

// isUpstreams reports whether err says that the plugin's upstream failed. Then the plugin itself has taken
// the call, which is enough for the rules of processes: they are also checked without a database or a
// model.
func isUpstreams(err error) bool { return err != nil && fault.Of(err).Party == fault.PartyProvider }

// sentConn calls sent when the request of a stream is sent.
type sentConn struct {
	*grpc.ClientConn
	sent func()
}

// NewStream implements grpc.ClientConnInterface.
func (c sentConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := c.ClientConn.NewStream(ctx, desc, method, opts...)
	if err != nil {
		return nil, err
	}
	return &sentStream{s, c.sent}, nil
}

type sentStream struct {
	grpc.ClientStream
	sent func()
}

// CloseSend implements grpc.ClientStream.
func (s *sentStream) CloseSend() error {
	err := s.ClientStream.CloseSend()
	if err == nil {
		s.sent()
	}
	return err
}

// methodsOf returns the methods of a service of the protocol.
func methodsOf(service string) []protoreflect.MethodDescriptor {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	s, ok := d.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		return nil
	}
	var out []protoreflect.MethodDescriptor
	for i := range s.Methods().Len() {
		out = append(out, s.Methods().Get(i))
	}
	return out
}

// methodOf returns a method of a service of the protocol, or nil.
func methodOf(service, name string) protoreflect.MethodDescriptor {
	for _, m := range methodsOf(service) {
		if string(m.Name()) == name {
			return m
		}
	}
	return nil
}

// setInstance sets the instance of a request, which is in its call context or beside it.
func setInstance(req *dynamicpb.Message, id string) {
	in := req.ProtoReflect()
	if f := in.Descriptor().Fields().ByName("call"); f != nil {
		in = in.Mutable(f).Message()
	}
	if f := in.Descriptor().Fields().ByName("instance"); f != nil {
		in.Set(f, protoreflect.ValueOfString(id))
	}
}

// callOnce calls a method and returns its answer, or the first answer of a stream.
func callOnce(ctx context.Context, conn *grpc.ClientConn, m protoreflect.MethodDescriptor, req proto.Message) (proto.Message, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/"+string(m.Parent().FullName())+"/"+string(m.Name()))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(stream.SendMsg(req), stream.CloseSend()); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	answer := dynamicpb.NewMessage(m.Output())
	if err := stream.RecvMsg(answer); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return answer, nil
}
