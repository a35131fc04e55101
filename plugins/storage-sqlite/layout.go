package sqlitestore

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/botyard/botyard/sdk/fault"
)

// layout is a step from one layout of the database to the next.
type layout struct {
	// expand adds what the layout has more. Plugins of the layout before go on working.
	expand string
	// contract takes away what only plugins of earlier layouts need, after which they
	// refuse the database.
	contract string
}

// layouts are all that this plugin knows; the first is number 1. A database has its
// number in user_version, and the oldest that may use it in the table meta.
type layouts []layout

//go:embed layouts/*.sql
var layoutFiles embed.FS

// readLayouts takes N.sql, and N.contract.sql where there is one.
func readLayouts(files fs.FS) (layouts, error) {
	var all layouts
	for {
		n := len(all) + 1
		expand, err := fs.ReadFile(files, fmt.Sprintf("layouts/%d.sql", n))
		if errors.Is(err, fs.ErrNotExist) && n > 1 {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		contract, err := fs.ReadFile(files, fmt.Sprintf("layouts/%d.contract.sql", n))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(all, layout{string(expand), string(contract)})
	}
}

func (l layouts) newest() int { return len(l) }

// of answers the database's layout, 0 for an empty one, and the oldest that may use it.
func of(w *session) (now, oldest int, err error) {
	if _, err := w.get([]any{&now}, "PRAGMA user_version"); err != nil || now == 0 {
		return 0, 0, err
	}
	_, err = w.get([]any{&oldest}, "SELECT value FROM meta WHERE name = 'oldest'")
	return now, oldest, err
}

// allowed refuses databases that were finished for later plugins.
func (l layouts) allowed(s *session) error {
	var oldest int
	if _, err := s.get([]any{&oldest}, "SELECT value FROM meta WHERE name = 'oldest'"); err != nil {
		return err
	}
	if oldest > l.newest() {
		return fault.New(fault.Invalid, "serves plugins from layout %d on, and this one knows layout %d; update the plugin %q",
			oldest, l.newest(), Name).At("path").By(fault.PartyTenant)
	}
	return nil
}

// expand brings the database to the newest layout that is known, and answers what it
// did. Of processes that start together one does it.
func (l layouts) expand(w *session) (steps []string, err error) {
	now, _, err := of(w)
	if err != nil {
		return nil, err
	}
	if now > 0 {
		if err := l.allowed(w); err != nil || now >= l.newest() {
			return nil, err
		}
	}
	err = w.transaction("BEGIN IMMEDIATE", func() error {
		if now, _, err = of(w); err != nil {
			return err
		}
		for n := now + 1; n <= l.newest(); n++ {
			if err := w.script(l[n-1].expand); err != nil {
				return fmt.Errorf("expand to layout %d: %w", n, err)
			}
			steps = append(steps, fmt.Sprintf("expanded to layout %d", n))
		}
		// Numbers cannot be bound in a pragma.
		return w.script(fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", max(now, l.newest()), applicationID))
	})
	return steps, err
}

// contract shuts out the plugins of layouts before the newest that is known.
func (l layouts) contract(w *session) (steps []string, err error) {
	err = w.transaction("BEGIN IMMEDIATE", func() error {
		_, oldest, err := of(w)
		if err != nil {
			return err
		}
		for n := oldest + 1; n <= l.newest(); n++ {
			if err := w.script(l[n-1].contract); err != nil {
				return fmt.Errorf("contract to layout %d: %w", n, err)
			}
			steps = append(steps, fmt.Sprintf("contracted to layout %d", n))
		}
		_, err = w.exec("UPDATE meta SET value = max(value, ?) WHERE name = 'oldest'", l.newest())
		return err
	})
	return steps, err
}
