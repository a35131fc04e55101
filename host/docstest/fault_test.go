package docstest

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// TestFault_bytes checks the example of a fault's trailers in docs/protocol.md: the bytes are those
// of the trailer, and the host reads the fault from them that the page names.
func TestFault_bytes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := func(name string) string {
		found := regexp.MustCompile("(?s)<!-- " + name + " -->\n```text\n(.*?)```").FindSubmatch(page)
		if found == nil {
			t.Fatalf("docs/protocol.md has no block %q", name)
		}
		return string(found[1])
	}
	var digits strings.Builder
	for line := range strings.Lines(block("fault bytes")) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	bytes, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	if want := "grpc-status-details-bin: " + base64.RawStdEncoding.EncodeToString(bytes) + "\n"; !strings.HasSuffix(block("fault"), want) {
		t.Errorf("the bytes are those of another trailer: %s", want)
	}
	s := status.New(codes.OK, "").Proto()
	if err := proto.Unmarshal(bytes, s); err != nil {
		t.Fatal(err)
	}
	e := fault.Of(status.ErrorProto(s))
	if e.Class != fault.Invalid || e.Error() != "connection.port: is no port" || len(e.Path) != 2 {
		t.Errorf("the host reads %+v", e)
	}
}
