package feature

import (
	"slices"
	"sync"

	"github.com/botyard/botyard/sdk/fault"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Checker checks whether a plugin has the features that requests need. It is safe for concurrent use.
type Checker struct {
	lacks map[string]method // by full name: the RPCs that need a feature which the plugin lacks, with only such features
}

// NewChecker returns the Checker of a plugin that has the given features.
func NewChecker(features []string) *Checker {
	c := &Checker{lacks: map[string]method{}}
	for name, m := range methods() {
		lack := method{name: m.name}
		if !slices.Contains(features, m.feature) {
			lack.feature = m.feature
		}
		for _, f := range m.fields {
			if !slices.Contains(features, f.feature) {
				lack.fields = append(lack.fields, f)
			}
		}
		if lack.feature != "" || lack.fields != nil {
			c.lacks[name] = lack
		}
	}
	return c
}

// Check returns nil if the plugin has all features that the request needs. Otherwise the error names
// the missing feature and the RPC or field that needs it. The path of the error is the field. method is
// the full name of the RPC, for example "/botyard.llm.v1.LLMService/Embed". Check returns nil for RPCs
// of other protocols.
func (c *Checker) Check(method string, req any) error {
	m, ok := c.lacks[method]
	if !ok {
		return nil
	}
	if m.feature != "" {
		return missing(m.feature, "the call "+m.name)
	}
	message, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	r := message.ProtoReflect()
	for _, f := range m.fields {
		if r.Has(f.descriptor) {
			name := string(f.descriptor.Name())
			return missing(f.feature, "the field "+name+" of the call "+m.name).At(name)
		}
	}
	return nil
}

func missing(name, what string) *fault.Error {
	return fault.New(fault.Unsupported, "lacks the feature %q, to which %s belongs", name, what).By(fault.PartyTenant)
}

// method is an RPC that belongs to a feature or whose request has fields that do.
type method struct {
	name    string // without the service
	feature string // empty if the RPC belongs to the core
	fields  []field
}

// field is a field of a request that belongs to a feature.
type field struct {
	descriptor protoreflect.FieldDescriptor
	feature    string
}

// methods returns the RPCs of the protocol that need Check, by their full names.
var methods = sync.OnceValue(func() map[string]method {
	out := map[string]method{}
	for s := range services {
		for i := range s.Methods().Len() {
			d := s.Methods().Get(i)
			m := method{name: string(d.Name()), feature: optionOf(d.Options(), pluginv1.E_RpcFeature)}
			for j := range d.Input().Fields().Len() {
				f := d.Input().Fields().Get(j)
				if name := optionOf(f.Options(), pluginv1.E_FieldFeature); name != "" {
					m.fields = append(m.fields, field{f, name})
				}
			}
			if m.feature != "" || m.fields != nil {
				out["/"+string(s.FullName())+"/"+m.name] = m
			}
		}
	}
	return out
})

// services yields the services of the protocol.
func services(yield func(protoreflect.ServiceDescriptor) bool) {
	for _, file := range []protoreflect.FileDescriptor{
		pluginv1.File_botyard_plugin_v1_plugin_proto, llmv1.File_botyard_llm_v1_llm_proto,
		memoryv1.File_botyard_memory_v1_memory_proto, storagev1.File_botyard_storage_v1_storage_proto,
		storagev1.File_botyard_storage_v1_tenant_store_proto,
	} {
		for i := range file.Services().Len() {
			if !yield(file.Services().Get(i)) {
				return
			}
		}
	}
}

// optionOf returns the name of the feature in the options, or an empty text.
func optionOf(options protoreflect.ProtoMessage, extension protoreflect.ExtensionType) string {
	if f, ok := proto.GetExtension(options, extension).(pluginv1.Feature); ok && f != 0 {
		return nameOf(f)
	}
	return ""
}

// Services returns the full names of all gRPC services of plugins that this version of the protocol
// has, sorted.
func Services() []string {
	var names []string
	for s := range services {
		names = append(names, string(s.FullName()))
	}
	slices.Sort(names)
	return names
}
