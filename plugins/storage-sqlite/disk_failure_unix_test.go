//go:build unix

package sqlitestore

import (
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestStore_failingDisk checks the fault of a write that the operating system refuses for another
// reason than a full disk, and that the next turn succeeds.
func TestStore_failingDisk(t *testing.T) {
	s := openStore(t, t.TempDir())
	end(t, s, begin(t, s))
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	small := before
	small.Cur = 256 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Skip("the size of files cannot be bounded here: ", err)
	}
	req := &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Second, Messages: storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", 1<<20)))}
	_, err := s.Begin(t.Context(), req)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	e := fault.Of(err)
	if e == nil || e.Class != fault.ProviderFailed || e.Party != fault.PartyHost || !e.Retryable || !strings.Contains(e.Message, "failed") {
		t.Errorf("begin on a disk that fails: %+v", e)
	}
	if n := end(t, s, begin(t, s)); n != 2 {
		t.Errorf("the next turn became number %d", n)
	}
}
