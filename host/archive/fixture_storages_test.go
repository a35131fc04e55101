package archive

import (
	"context"
	"fmt"
	"sync"

	"github.com/botyard/botyard/host/archive/archivetest"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// testStorages has the storages of a test, by name. The hosts of a test share them.
type testStorages struct {
	mu    sync.Mutex
	named map[string]*archivetest.Storage
	down  map[string]error
}

func newTestStorages() *testStorages {
	return &testStorages{named: map[string]*archivetest.Storage{}, down: map[string]error{}}
}

func (s *testStorages) get(name string) *archivetest.Storage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named[name] == nil {
		s.named[name] = archivetest.New()
	}
	return s.named[name]
}

// fail makes each opening of the storage return err. A call with nil ends the failures.
func (s *testStorages) fail(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down[name] = err
}

// recordingMemory is a memory that records the calls of Forget.
type recordingMemory struct {
	mu sync.Mutex
	// told has the calls of Forget as tenant/incarnation/conversation/user, and the calls of drain as
	// drain/tenant/incarnation/conversation.
	told []string
}

func (*recordingMemory) Needs() memory.Needs { return memory.Needs{} }

func (*recordingMemory) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	return &memory.Recalled{}, nil
}

func (f *recordingMemory) Forget(_ context.Context, call sdk.Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, fmt.Sprintf("%s/%s/%s/%s", call.Tenant, call.Incarnation, call.Conversation, call.User))
	return nil
}

// drain stands for forgetting what was deleted from a storage.
func (f *recordingMemory) drain(_ context.Context, _ storage.CursorStore, call sdk.Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, fmt.Sprintf("drain/%s/%s/%s", call.Tenant, call.Incarnation, call.Conversation))
	return nil
}

// cursors stands for the cursors of a storage, which recordingMemory does not call.
type cursors struct{ storage.CursorStore }
