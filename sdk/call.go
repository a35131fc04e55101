package sdk

import chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"

// Call says on whose behalf the host calls. The host stamps it; nothing that a
// message's text or a configuration says about the tenant is believed.
type Call struct {
	Tenant       string
	Conversation string
	User         string
	Token        string // presented when calling the host back; opaque
	Incarnation  string // life of the tenant id; empty when not tracked
	Traceparent  string // W3C trace context; empty when not traced
}

// CallToProto stamps c and the called instance into the protocol's form.
func CallToProto(c Call, instance string) *chatv1.CallContext {
	return &chatv1.CallContext{
		Instance: instance, Tenant: c.Tenant, Conversation: c.Conversation, User: c.User,
		CallToken: c.Token, Incarnation: c.Incarnation, Traceparent: c.Traceparent,
	}
}

// CallFromProto is the inverse of CallToProto, without the instance.
func CallFromProto(p *chatv1.CallContext) Call {
	return Call{
		Tenant: p.GetTenant(), Conversation: p.GetConversation(), User: p.GetUser(),
		Token: p.GetCallToken(), Incarnation: p.GetIncarnation(), Traceparent: p.GetTraceparent(),
	}
}
