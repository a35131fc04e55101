package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	faultv1 "github.com/botyard/botyard/sdk/proto/botyard/fault/v1"
	hostv1 "github.com/botyard/botyard/sdk/proto/botyard/host/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

//go:embed protocol.md
var protocolHead string

// protocolFiles are the .proto files in the order of the page. title is the heading of a file
// that has no service.
var protocolFiles = []struct {
	title string
	file  protoreflect.FileDescriptor
}{
	{"", pluginv1.File_botyard_plugin_v1_plugin_proto},
	{"The messages of conversations", chatv1.File_botyard_chat_v1_chat_proto},
	{"", llmv1.File_botyard_llm_v1_llm_proto},
	{"", memoryv1.File_botyard_memory_v1_memory_proto},
	{"", storagev1.File_botyard_storage_v1_storage_proto},
	{"", storagev1.File_botyard_storage_v1_tenant_store_proto},
	{"", hostv1.File_botyard_host_v1_host_proto},
	{"The messages of errors", faultv1.File_botyard_fault_v1_fault_proto},
	{"Features in the .proto files", pluginv1.File_botyard_plugin_v1_feature_proto},
}

// protocolPage returns the text of docs/protocol.md: the text of protocol.md, which is written
// by hand, with the table of the features and the reference of all services and messages, which
// are made of the .proto files below the folder protos.
func protocolPage(protos string) ([]byte, error) {
	if err := allListed(protos); err != nil {
		return nil, err
	}
	r := reference{comments: map[string]string{}, names: map[protoreflect.FullName]string{}}
	for _, f := range protocolFiles {
		src, err := os.ReadFile(filepath.Join(protos, filepath.FromSlash(f.file.Path())))
		if err != nil {
			return nil, err
		}
		comments, err := protoComments(string(f.file.Package()), string(src))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.file.Path(), err)
		}
		for name, text := range comments {
			r.comments[name] = text
		}
	}
	r.nameAll()
	var data struct{ Features, Reference string }
	data.Features = r.features()
	for _, f := range protocolFiles[:len(protocolFiles)-1] {
		r.writeFile(f.title, f.file)
	}
	data.Reference = strings.TrimSpace(r.out.String())
	if r.missing != "" {
		return nil, fmt.Errorf("%s: its comment was not found in the .proto files", r.missing)
	}
	t, err := template.New("protocol.md").Delims("[[", "]]").Parse(protocolHead)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, err
	}
	return out.Bytes(), uniqueHeadings(out.String())
}

// allListed returns an error if a .proto file below the folder protos is not in protocolFiles.
func allListed(protos string) error {
	return filepath.WalkDir(protos, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".proto" {
			return err
		}
		name, err := filepath.Rel(protos, path)
		if err != nil {
			return err
		}
		for _, f := range protocolFiles {
			if f.file.Path() == filepath.ToSlash(name) {
				return nil
			}
		}
		return fmt.Errorf("%s is on no page: add it to protocolFiles", path)
	})
}

var anyHeading = regexp.MustCompile(`(?m)^#+ (.*)$`)

// uniqueHeadings returns an error if two headings of the page have one anchor, so that a link to
// one of them would lead to the other.
func uniqueHeadings(page string) error {
	seen := map[string]string{}
	for _, m := range anyHeading.FindAllStringSubmatch(page, -1) {
		a := anchor(m[1])
		if other, ok := seen[a]; ok {
			return fmt.Errorf("the headings %q and %q have one anchor", other, m[1])
		}
		seen[a] = m[1]
	}
	return nil
}

var notInAnchor = regexp.MustCompile("[^a-z0-9 _-]")

// anchor returns the anchor of a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
