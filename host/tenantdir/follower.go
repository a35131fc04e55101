package tenantdir

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// Target serves the tenants that a Follower finds. Calls for one tenant come one at a time,
// those for several tenants at once.
type Target interface {
	// Apply serves the tenant with the document of the file at path. The tenant may have come
	// from another file before. It returns the paths of the texts in the document that are
	// secret. An error leaves the tenant as it was; it has ErrTaken in its chain if the id
	// belongs to a tenant that is not of a file.
	Apply(ctx context.Context, id, path string, doc *config.Document) (secrets []config.Path, err error)
	// Refuse records why the tenant's newest file, which is at path, is not served.
	Refuse(id, path string, err error)
	// Drop stops serving the tenant if it comes from path. It deletes no conversations.
	Drop(id, path string)
}

// Options are the settings of a Follower.
type Options struct {
	Dirs   []string
	Target Target
	// LastGood keeps the last good documents. Nil keeps none.
	LastGood *LastGood
	Log      hclog.Logger

	timing  timing                            // the zero value means defaultTiming
	watcher func() (*fsnotify.Watcher, error) // nil means fsnotify.NewWatcher
	list    func(dir string) ([]entry, error) // nil means listFolder
	read    func(ctx context.Context, path string) ([]byte, error)
}

// timing holds the delays of a Follower. Tests shorten them.
type timing struct {
	settle    time.Duration // a file is read when it has not changed for so long
	gone      time.Duration // a file is removed when it is missing for so long: editors replace files in two steps
	poll      time.Duration // between two scans of folders that cannot be watched, and between two tries to watch them
	watch     time.Duration // between two scans of folders that are watched
	applyWait time.Duration // how long a scan waits for files that are being applied
	reread    time.Duration // between two tries of a file that cannot be read: no event says when it can
}

var defaultTiming = timing{settle: 300 * time.Millisecond, gone: time.Second, poll: 500 * time.Millisecond, watch: 5 * time.Second, reread: 5 * time.Second, applyWait: 2 * time.Second}

// Follower follows tenant folders. Call Load once, and then Run. The other methods may be
// called at any time after Load, concurrently.
type Follower struct {
	o Options

	mu         sync.Mutex         // guards the fields down to oneApplied
	files      map[string]*file   // by path
	tenants    map[string]*tenant // by id; those with a file, or whose file is missing and not removed yet
	lost       map[string]bool    // by folder: it could not be read by the last scan
	ignored    map[string]string  // by path: why the last scan ignored a file that looks like a tenant file
	listings   map[string]*listing
	dropped    []time.Time   // when tenants were dropped, within massRemovalWindow
	applying   int           // how many files are being applied
	oneApplied chan struct{} // closed when one of them is done; nil while nobody waits for that
	now        func() time.Time

	jobs    sync.WaitGroup // the goroutines that apply files
	rescan  chan struct{}  // asks Run for a scan
	parsing sync.Mutex     // held while a document is parsed; never together with mu
}

// New returns a Follower. It reads nothing yet.
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
