package tenantdir

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// Target serves the tenants of a Follower. The Follower makes one call at a time for one
// tenant, and concurrent calls for several tenants.
type Target interface {
	// Apply serves the tenant with the document of the file at path. The tenant may have come
	// from another file before. Apply returns the paths of the secret texts in the document. If
	// Apply returns an error, the tenant stays as it was. The error has ErrTaken in its chain
	// if the id belongs to a tenant that is not of a file.
	Apply(ctx context.Context, id, path string, doc *config.Document) (secrets []config.Path, err error)
	// Refuse records why the tenant's newest file, the file at path, is not served.
	Refuse(id, path string, err error)
	// Drop stops serving the tenant if the tenant comes from the file at path. It deletes no
	// conversations.
	Drop(id, path string)
}

// Options are the settings of a Follower.
type Options struct {
	Dirs   []string
	Target Target
	// LastGood keeps the last good documents. If it is nil, no last good documents are kept.
	LastGood *LastGood
	Log      hclog.Logger

	timing  timing                            // the zero value stands for defaultTiming
	watcher func() (*fsnotify.Watcher, error) // nil stands for fsnotify.NewWatcher
	list    func(dir string) ([]entry, error) // nil stands for listFolder
	read    func(ctx context.Context, path string) ([]byte, error)
}

// timing holds the delays of a Follower. Tests shorten them.
type timing struct {
	settle time.Duration // for how long a file must not change before it is read
	// for how long a file must be missing before it counts as removed, because editors replace
	// files in two steps
	gone time.Duration
	// between two scans of folders that cannot be watched, and between two tries to watch them
	poll      time.Duration
	watch     time.Duration // between two scans of watched folders
	applyWait time.Duration // how long a scan waits for files that are being applied
	// between two tries to read an unreadable file, because no event says when it becomes
	// readable
	reread time.Duration
}

var defaultTiming = timing{settle: 300 * time.Millisecond, gone: time.Second, poll: 500 * time.Millisecond, watch: 5 * time.Second, reread: 5 * time.Second, applyWait: 2 * time.Second}

// Follower follows tenant folders. The caller calls Load once, and then Run. The other methods
// may be called concurrently after Load.
type Follower struct {
	o Options

	mu    sync.Mutex       // guards the fields from files to oneApplied
	files map[string]*file // by path
	// by id: tenants with a file, and tenants whose files are missing but not removed yet
	tenants map[string]*tenant
	lost    map[string]bool // by folder: the last scan could not read the folder
	// by path: why the last scan ignored a file with a similar name to a tenant file
	ignored    map[string]string
	listings   map[string]*listing
	dropped    []time.Time   // the times at which tenants were dropped, within massRemovalWindow
	applying   int           // how many files are being applied
	oneApplied chan struct{} // closed when the application of a file ends; nil while no goroutine waits for it
	now        func() time.Time

	jobs    sync.WaitGroup // the goroutines that apply files
	rescan  chan struct{}  // tells Run to make a scan
	parsing sync.Mutex     // held while a document is parsed; never held together with mu
}

// New returns a Follower. New reads no folders; Load does.
func New(o Options) *Follower {
	if o.timing == (timing{}) {
		o.timing = defaultTiming
	}
	if o.timing.applyWait == 0 {
		o.timing.applyWait = defaultTiming.applyWait
	}
	if o.watcher == nil {
		o.watcher = fsnotify.NewWatcher
	}
	if o.list == nil {
		o.list = listFolder
	}
	if o.read == nil {
		o.read = config.ReadSource
	}
	return &Follower{
		o: o, files: map[string]*file{}, tenants: map[string]*tenant{}, lost: map[string]bool{}, ignored: map[string]string{}, listings: map[string]*listing{},
		rescan: make(chan struct{}, 1), now: time.Now,
	}
}
