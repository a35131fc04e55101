package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		exit(roles[os.Args[1]](ctx, os.Args[2:]))
	}
	exit(run(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bench is the state of one run.
type bench struct {
	hostproc.Binaries
	env   variables
	other *otherHost // nil without the flag --other
	path  string     // route for turns; empty is load.Path
	scale scale
	only  []string // names of the parts to run; empty is all

	storage string // storage of the host that --profile profiles
	report  *report.Report
	start   time.Time
}

func run(ctx context.Context) error {
	asJSON := flag.Bool("json", false, "print JSON instead of tables")
	quick := flag.Bool("quick", false, "a rough run of about a minute")
	bin := flag.String("bin", "bin", "`FOLDER` of botyard and plugins/")
	only := flag.String("only", "", "a comma-separated list of `PARTS`: "+strings.Join(partNames(), ", "))
	profiles := flag.String("profile", "", "write pprof profiles of host, plugins and floor into this `FOLDER`, and measure nothing else")
	storage := flag.String("profile-storage", memory, "the host's `STORAGE` there: memory, sqlite or postgres")
	var env variables
	flag.Var(&env, "env", "`NAME=VALUE` for the host and its plugins, such as GOGC=400; may be given again")
	other := flag.String("other", "", "another `FOLDER` of botyard and plugins/, to be compared in closed loops")
	var otherEnv variables
	flag.Var(&otherEnv, "other-env", "`NAME=VALUE` for those; may be given again")
	flag.Parse()
	b := &bench{
		Binaries: binaries(*bin), storage: *storage,
		env: env, scale: full, start: time.Now(), report: &report.Report{Machine: report.ThisMachine(), Quick: *quick},
	}
	if *other != "" {
		b.other = &otherHost{binaries(*other), otherEnv}
	}
	if *quick {
		b.scale = rough
	}
	if *only != "" {
		b.only = strings.Split(*only, ",")
	}
	list := parts
	if *profiles != "" {
		list = []part{{"profile", func(b *bench, ctx context.Context) error { return b.profile(ctx, *profiles) }}}
	}
	for _, p := range list {
		if len(b.only) > 0 && !slices.Contains(b.only, p.name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		b.logf("%s", p.name)
		if err := p.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	b.report.Seconds = time.Since(b.start).Seconds()
	if *asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(b.report)
	}
	return b.report.Text(os.Stdout)
}

// logf writes a line about the progress of the run to standard error.
func (b *bench) logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(b.start).Seconds(), fmt.Sprintf(format, args...))
}
