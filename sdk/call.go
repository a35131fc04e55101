package sdk

import chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"

// Call says for which tenant, conversation and user the host makes a call. The host alone fills it
// in. A plugin takes the tenant from Call, and never from the text of a message or from a
// configuration.
type Call struct {
	Tenant       string
	Conversation string
	User         string
	// Token identifies the call when the plugin calls the host back. It is opaque.
	Token string
	// Incarnation is the incarnation of the tenant id. It is empty when the host does not track
	// incarnations.
	Incarnation string
	// ConversationIncarnation is the incarnation of the conversation, as its storage names it. The
	// host sets it in calls of memories only.
	ConversationIncarnation string
}

// CallToProto returns c in the protocol's form, addressed to the instance with this id.
func CallToProto(c Call, instance string) *chatv1.CallContext {
	return &chatv1.CallContext{
		Instance: instance, Tenant: c.Tenant, Conversation: c.Conversation, User: c.User,
		CallToken: c.Token, Incarnation: c.Incarnation, ConversationIncarnation: c.ConversationIncarnation,
	}
}

// CallFromProto returns the Call of a message that CallToProto built. It leaves out the instance
// id.
func CallFromProto(p *chatv1.CallContext) Call {
	return Call{
		Tenant: p.GetTenant(), Conversation: p.GetConversation(), User: p.GetUser(),
		Token: p.GetCallToken(), Incarnation: p.GetIncarnation(), ConversationIncarnation: p.GetConversationIncarnation(),
	}
}
