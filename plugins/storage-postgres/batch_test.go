package pgstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// conversations creates n conversations, whose database ids are then in the cache. It returns a
// call and the database id for each conversation.
func conversations(t *testing.T, s *Store, n int) (calls []sdk.Call, cids []int64) {
	for i := range n {
		c := call("t", fmt.Sprint("c", i))
		commit(t, s, c, begin(t, s, c))
		ref, ok := s.refs.Get(keyOf(c))
		if !ok {
			t.Fatal("a conversation is not known")
		}
		calls, cids = append(calls, c), append(cids, ref.cid)
	}
	return calls, cids
}

func jobOf(ctx context.Context, cid int64, sql ...string) *job {
	j := &job{ctx: ctx, cid: cid, done: make(chan outcome, 1)}
	for _, sql := range sql {
		j.queries = append(j.queries, query{sql, nil, discardRows})
	}
	return j
}

func locks(cid int64) string {
	return fmt.Sprintf("select from botyard.conversations where cid = %d for update", cid)
}

// outcomes returns the outcomes of the jobs after runBatch has returned. It fails the test if a job
// has no outcome.
func outcomes(t *testing.T, jobs []*job) (all []outcome) {
	t.Helper()
	for i, j := range jobs {
		select {
		case o := <-j.done:
			all = append(all, o)
		default:
			t.Fatalf("nothing became of job %d", i)
		}
	}
	return all
}

// idle waits until no tenant has a running pipeline or a waiting job.
func idle(t *testing.T, s *Store) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		s.batcher.mu.Lock()
		n := len(s.batcher.tenants)
		s.batcher.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d tenants have work left", n)
		}
	}
}

// TestRunBatched_sharesOneTransaction checks that calls share one transaction if they arrive while
// a pipeline of their tenant is running. The rows of these calls then have the same transaction id.
func TestRunBatched_sharesOneTransaction(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	calls, _ := conversations(t, s, maxBatch)
	// On a slow machine some calls may be sent in an earlier transaction. The test then tries
	// again.
	for try := 1; ; try++ {
		if !s.enqueue("t", nil) {
			t.Fatal("another pipeline is running")
		}
		var all sync.WaitGroup
		results := make([]*storage.BeginResult, len(calls))
		for i, c := range calls {
			all.Go(func() { results[i] = begin(t, s, c, func(r *storage.BeginRequest) { r.Tail = 100 }) })
		}
		all.Wait()
		s.pipelineEnded("t")
		idle(t, s)
		for i, res := range results {
			if res.Started == nil || res.Started.Sequence != int64(try+1) || len(res.Started.Tail) != try {
				t.Fatalf("turn %d in conversation %d: %+v", try+1, i, res.Started)
			}
		}
		var n int
		err := s.run(t.Context(), scope{tenant: "t"}, query{"select count(distinct xmin::text) from botyard.turns where seq = $1", []any{try + 1},
			func(rows pgx.Rows) error {
				rows.Next()
				return rows.Scan(&n)
			}})
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range calls {
			if number := commit(t, s, c, results[i]); number != int64(try+1) {
				t.Fatalf("its number is %d", number)
			}
		}
		if n == 1 {
			return
		}
		if try == 50 {
			t.Fatalf("%d calls that met needed %d transactions, and never one", len(calls), n)
		}
	}
}

// TestRunBatched_lockedConversation checks that only the call for a locked conversation waits for
// the lock. The other calls of its batch must not wait.
func TestRunBatched_lockedConversation(t *testing.T) {
	cfg := config(cluster(t).DSN(database(t)))
	cfg.StatementTimeout = 300
	s := open(t, cfg)
	calls, cids := conversations(t, s, 3)
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), locks(cids[1])); err != nil {
		t.Fatal(err)
	}
	var jobs []*job
	for _, cid := range cids {
		jobs = append(jobs, jobOf(t.Context(), cid, locks(cid)))
	}
	start := time.Now()
	s.runBatch("t", jobs)
	if d := time.Since(start); d > time.Minute { // the statement timeout is 300 seconds
		t.Errorf("they waited for %v", d)
	}
	for i, o := range outcomes(t, jobs) {
		if !o.retryAlone || o.err != nil {
			t.Errorf("job %d: %+v", i, o)
		}
	}
	if !s.enqueue("t", nil) {
		t.Fatal("another pipeline is running")
	}
	defer idle(t, s)
	defer s.pipelineEnded("t")
	var all, free sync.WaitGroup
	for i, c := range calls {
		of := &free
		if i == 1 {
			of = &all
		}
		of.Go(func() {
			if res := begin(t, s, c); res.Started == nil || res.Started.Sequence != 2 {
				t.Errorf("conversation %d: %+v", i, res)
			}
		})
	}
	free.Wait() // the test still has the lock at this point
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.Wait()
}

// TestRunBatch_locksInOrder checks that two batches lock the same conversations in the same order,
// so that the batches do not deadlock.
func TestRunBatch_locksInOrder(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	stores := []*Store{open(t, config(dsn)), open(t, config(dsn))}
	_, cids := conversations(t, stores[0], 2)
	const rounds = 20
	crossed := 0
	for range rounds {
		var all sync.WaitGroup
		sets := make([][]*job, 2)
		for i, s := range stores {
			for k := range 2 {
				cid := cids[(i+k)%2]
				sets[i] = append(sets[i], jobOf(t.Context(), cid, locks(cid), "select pg_sleep(0.01)"))
			}
			jobs := append([]*job(nil), sets[i]...)
			all.Go(func() { s.runBatch("t", jobs) })
		}
		all.Wait()
		for _, jobs := range sets {
			if outcomes(t, jobs)[0].retryAlone {
				crossed++
			}
		}
	}
	// On a slow machine a batch may exceed the lock timeout.
	if crossed > rounds/4 {
		t.Errorf("%d of %d transactions ended for another one", crossed, 2*rounds)
	}
}

// TestRunBatch_fails checks the outcomes of a batch that fails. If a statement fails, each job must
// be sent alone. If no connection is free, each job gets the error.
func TestRunBatch_fails(t *testing.T) {
	cfg := config(cluster(t).DSN(database(t)))
	cfg.PoolSize, cfg.MaxOverflow = 1, 0
	s := open(t, cfg)
	_, cids := conversations(t, s, 2)
	jobs := []*job{jobOf(t.Context(), cids[0], locks(cids[0])), jobOf(t.Context(), cids[1], "select 1/0")}
	s.runBatch("t", jobs)
	for i, o := range outcomes(t, jobs) {
		if !o.retryAlone {
			t.Errorf("job %d beside one that fails: %+v", i, o)
		}
	}
	all, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer all.Release()
	jobs = []*job{jobOf(t.Context(), cids[0], locks(cids[0])), jobOf(t.Context(), cids[1], locks(cids[1]))}
	s.runBatch("t", jobs)
	for i, o := range outcomes(t, jobs) {
		if e, ok := errors.AsType[*fault.Error](o.err); o.retryAlone || !ok || e.Class != fault.ProviderFailed || e.RetryAfter == 0 {
			t.Errorf("job %d without a connection: %+v", i, o)
		}
	}
}

// TestRunBatched_callerLeaves checks that nothing is sent for a caller whose context has ended. It
// also checks that a batch is canceled when the contexts of all its callers have ended.
func TestRunBatched_callerLeaves(t *testing.T) {
	cfg := config(cluster(t).DSN(database(t)))
	cfg.StatementTimeout = 300
	s := open(t, cfg)
	calls, cids := conversations(t, s, 2)
	if !s.enqueue("t", nil) {
		t.Fatal("another pipeline is running")
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err := s.Begin(gone, &storage.BeginRequest{Call: calls[0], Messages: said("late"), Holder: "h", Lease: time.Hour, Attempt: "a"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("begin for nobody: %v", err)
	}
	s.pipelineEnded("t")
	idle(t, s)
	if res := begin(t, s, calls[0]); res.Started == nil || res.Started.Sequence != 2 {
		t.Errorf("after it: %+v", res)
	}
	// The batch commits even though one of its two callers has left, because the other caller is
	// waiting.
	res := begin(t, s, calls[1])
	if !s.enqueue("t", nil) {
		t.Fatal("another pipeline is running")
	}
	var others sync.WaitGroup
	others.Go(func() {
		if err := s.runBatched(t.Context(), "t", cids[0], query{"select pg_sleep(0.3)", nil, discardRows}); err != nil {
			t.Error(err)
		}
	})
	impatient, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	_, err = s.Commit(impatient, &storage.CommitRequest{Call: calls[1], Fence: res.Started.Fence, State: storage.Succeeded,
		Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "late"))})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Logf("the commit did not share: %v", err) // this may happen on a slow machine
	}
	others.Wait()
	s.pipelineEnded("t")
	idle(t, s)
	if n := commit(t, s, calls[1], res); n != 2 {
		t.Errorf("asked again, its number is %d", n)
	}
	here := []*job{jobOf(gone, cids[0], "select 1/0"), jobOf(t.Context(), cids[0], "select 1"), jobOf(t.Context(), cids[1], "select 1")}
	s.runBatch("t", here)
	// The job whose context has ended gets retryAlone, and the other jobs succeed.
	for i, o := range outcomes(t, here) {
		if o.retryAlone != (i == 0) || o.err != nil {
			t.Errorf("job %d beside one of nobody: %+v", i, o)
		}
	}
	going, leave := context.WithCancel(t.Context())
	jobs := []*job{jobOf(going, cids[0], "select pg_sleep(300)"), jobOf(going, cids[1], "select 1")}
	time.AfterFunc(50*time.Millisecond, leave)
	start := time.Now()
	s.runBatch("t", jobs)
	if d := time.Since(start); d > time.Minute {
		t.Errorf("it went on for %v", d)
	}
}

// TestWithdraw_leader checks that all other jobs of a batch get an outcome when the job that runs
// the batch is withdrawn, before or after it was chosen to run the batch. It also checks the
// outcomes when a scan function panics.
func TestWithdraw_leader(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	_, cids := conversations(t, s, 3)
	for _, when := range []string{"as it waits", "as it is told to lead"} {
		t.Run(when, func(t *testing.T) {
			jobs := []*job{jobOf(t.Context(), cids[0], "select 1"), jobOf(t.Context(), cids[1], "select 1"), jobOf(t.Context(), cids[2], "select 1")}
			gone, leave := context.WithCancel(t.Context())
			jobs[0].ctx = gone
			if !s.enqueue("t", nil) {
				t.Fatal("another pipeline is running")
			}
			for _, j := range jobs {
				s.enqueue("t", j)
			}
			leave()
			if when == "as it waits" {
				s.withdraw("t", jobs[0])
				s.pipelineEnded("t")
				o := <-jobs[1].done
				if len(o.lead) != 2 {
					t.Fatalf("when one left %s, the next was told %+v", when, o)
				}
				s.runBatch("t", o.lead)
				s.pipelineEnded("t")
			} else {
				s.pipelineEnded("t")
				s.withdraw("t", jobs[0])
			}
			idle(t, s)
			for i, o := range outcomes(t, jobs[1:]) {
				if o.retryAlone || o.err != nil {
					t.Errorf("when one left %s, job %d: %+v", when, i, o)
				}
			}
		})
	}
	jobs := []*job{jobOf(t.Context(), cids[0], "select 1"), jobOf(t.Context(), cids[1], "select 1")}
	jobs[1].queries[0].scan = func(pgx.Rows) error { panic("as a row of another kind") }
	func() {
		defer func() { _ = recover() }()
		s.runBatch("t", jobs)
	}()
	for i, o := range outcomes(t, jobs) {
		if !o.retryAlone {
			t.Errorf("job %d of which one panicked: %+v", i, o)
		}
	}
}

// TestRun_batchSetting checks that a batch sets the role and the tenant like a single call. In
// addition, a batch sets a lock timeout.
func TestRun_batchSetting(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	var got [2]string
	for i, shared := range []bool{false, true} {
		err := s.run(t.Context(), scope{tenant: "t", batched: shared}, query{
			`select current_user || ' ' || current_setting('botyard.tenant') || ' ' || current_setting('lock_timeout')`, nil,
			func(rows pgx.Rows) error {
				rows.Next()
				return rows.Scan(&got[i])
			}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := [2]string{appRole + " t 0", appRole + " t 100ms"}; got != want {
		t.Errorf("role, tenant and bound are %q; want %q", got, want)
	}
}
