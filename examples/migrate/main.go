package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // for -zone on machines without time zones
)

func main() {
	o := options{out: os.Stdout, report: os.Stderr}
	zone := ""
	flag.StringVar(&o.client, "client", "", "convert the conversations of this `client_id` alone")
	flag.StringVar(&zone, "zone", "UTC", "time `zone` of the machine that stored the conversations, such as Europe/Berlin; their times have none")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: migrate [flags] [FILE]... > EXPORT\n\nTurn conversations that dataknobs-bots stored into an export for `botyard tenant import`.\nWithout a FILE, read standard input.\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	var err error
	if o.zone, err = time.LoadLocation(zone); err != nil {
		fail(fmt.Errorf("-zone: %q is not a time zone", zone))
	}
	if err := o.run(flag.Args(), os.Stdin); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "migrate: "+err.Error())
	os.Exit(1)
}

// options are the values of the flags, and the writers for the export and the report.
type options struct {
	client      string
	zone        *time.Location
	out, report io.Writer
}

// errUnreadable is the error of a run that left out conversations. The export is complete apart from
// them.
var errUnreadable = errors.New("not all could be read; the export is whole without it")

// run converts the files, or stdin if there are none, and writes the export and the report. It reads
// all conversations into memory first. If they belong to several clients, it returns an error and
// writes no export.
func (o *options) run(files []string, stdin io.Reader) error {
	r := reader{say: o.say}
	if len(files) == 0 {
		r.read("standard input", stdin)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		r.read(name, f)
		_ = f.Close() // nothing was written to it
	}
	clients := map[string]int{}
	seen := map[string]bool{}
	var states []state
	for _, s := range r.states {
		if seen[s.ID] {
			o.say("conversation %q is there twice; the first is taken", s.ID)
			continue
		}
		client := text(s.Metadata["client_id"])
		clients[client]++
		if o.client == "" || client == o.client {
			seen[s.ID] = true
			states = append(states, s)
		}
	}
	if len(states) == 0 {
		return fmt.Errorf("found no conversation%s", of(o.client, clients))
	}
	if o.client == "" && len(clients) > 1 {
		return fmt.Errorf("found conversations of several clients, and an import is for one tenant; take one with -client:%s", of("", clients))
	}
	unread := r.unread
	conversations, turns := 0, 0
	w := bufio.NewWriter(o.out)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	tenant := slices.Collect(maps.Keys(clients))[0]
	if o.client != "" {
		tenant = o.client
	}
	if err := e.Encode(exportLine{Type: "export", Version: 1, Tenant: tenant, CreatedAt: time.Now().UTC()}); err != nil {
		return err
	}
	for _, s := range states {
		c, err := convert(s, o.zone, func(format string, args ...any) {
			o.say("conversation %q: %s", s.ID, fmt.Sprintf(format, args...))
		})
		if err != nil {
			o.say("conversation %q is left out: %v", s.ID, err)
			unread++
			continue
		}
		if err := e.Encode(c.line); err != nil {
			return err
		}
		for _, t := range c.turns {
			if err := e.Encode(t); err != nil {
				return err
			}
		}
		conversations++
		turns += len(c.turns)
	}
	if err := e.Encode(endLine{Type: "end", Conversations: conversations, Turns: turns}); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	o.say("converted: conversations %d, turns %d", conversations, turns)
	if unread > 0 {
		return errUnreadable
	}
	return nil
}

func (o *options) say(format string, args ...any) { fmt.Fprintf(o.report, format+"\n", args...) }

// of returns a list of the clients, with the numbers of their conversations. If client is not empty,
// the list begins with the client that was not found.
func of(client string, clients map[string]int) string {
	var b strings.Builder
	if client != "" {
		fmt.Fprintf(&b, " of %q; there are", client)
	}
	for _, name := range slices.Sorted(maps.Keys(clients)) {
		fmt.Fprintf(&b, " %q (%d)", name, clients[name])
	}
	return b.String()
}

type exportLine struct {
	Type      string    `json:"type"`
	Version   int       `json:"version"`
	Tenant    string    `json:"tenant"`
	CreatedAt time.Time `json:"created_at"`
}

type conversationLine struct {
	Type      string    `json:"type"`
	ID        string    `json:"id"`
	User      string    `json:"user,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type turnLine struct {
	Type      string         `json:"type"`
	Sequence  int            `json:"sequence"`
	Number    int            `json:"number,omitempty"`
	State     string         `json:"state"`
	Reason    string         `json:"reason,omitempty"`
	User      string         `json:"user,omitempty"`
	StartedAt time.Time      `json:"started_at"`
	EndedAt   time.Time      `json:"ended_at"`
	Messages  []message      `json:"messages"`
	Usage     *usage         `json:"usage,omitempty"`
	Metadata  map[string]any `json:"metadata,omitempty"`
}

type endLine struct {
	Type          string `json:"type"`
	Conversations int    `json:"conversations"`
	Turns         int    `json:"turns"`
}
