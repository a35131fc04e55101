package plugins

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
)

// Rescan scans the plugin folders again, as the folder watch does after a change. A plugin
// whose file changed is replaced in the background; Status shows the progress. Rescan also
// makes failed binaries be tried again. It returns the joined errors of all plugins that
// must not be run.
func (m *Manager) Rescan() error { return m.rescan(rescanOptions{retryFailed: true}) }

// rescanForChange scans the plugin folders after a change. Errors are only logged.
func (m *Manager) rescanForChange() { _ = m.rescan(rescanOptions{}) }

type rescanOptions struct {
	// retryFailed makes supervisors try failed binaries again, although the files did not
	// change.
	retryFailed bool
}

func (m *Manager) rescan(o rescanOptions) error {
	m.scanMu.Lock()
	defer m.scanMu.Unlock()
	m.folders.AddFolders()
	found, incomplete := m.scanner.Scan(m.found())
	m.scanIncomplete.Store(incomplete)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return m.stopped()
	}
	before := m.binaries
	err := m.logScanLocked(before, found)
	m.noteChangesLocked(before, found)
	m.binaries, m.missing = found, m.scanner.MissingFolders()
	for p, s := range m.supervisors {
		switch b := found[p.Ref]; {
		case b == nil:
			s.withdraw(fmt.Errorf("the %s is in no plugin folder any more", p.Ref))
			if s.users.Load() == 0 && s.current() == nil {
				delete(m.supervisors, p)
				m.tasks.Go(func() { s.shutdown(m.hard) })
			}
		case b.Refusal != nil:
			s.withdraw(b.Refusal)
		default:
			was := before[p.Ref]
			s.offer(b, offerOptions{retryFailed: o.retryFailed || was != nil && was.Refusal != nil})
		}
	}
	return err
}

// logScanLocked logs the differences between two scans, and returns the joined errors of
// the refused plugins. Locked: mu is held.
func (m *Manager) logScanLocked(before, found map[discovery.Ref]*discovery.Binary) error {
	var refused []error
	for _, r := range slices.SortedFunc(maps.Keys(found), discovery.Ref.Compare) {
		b, was := found[r], before[r]
		if b.Refusal != nil {
			refused = append(refused, b.Refusal)
			if was == nil || was.Refusal == nil || was.Refusal.Error() != b.Refusal.Error() {
				m.log.Error("plugin", "error", b.Refusal)
			}
			continue
		}
		if was == nil || was.SHA256 != b.SHA256 {
			m.log.Info("plugin found", "kind", b.Kind, "name", b.Name, "path", b.Path, "sha256", b.SHA256)
		}
	}
	for r, b := range before {
		if found[r] == nil {
			m.log.Info("plugin is gone; what runs of it goes on", "kind", r.Kind, "name", r.Name, "path", b.Path)
		}
	}
	return errors.Join(refused...)
}

// noteChangesLocked reports the differences between two scans to the listeners of Changes.
// Locked: mu is held.
func (m *Manager) noteChangesLocked(before, found map[discovery.Ref]*discovery.Binary) {
	for r := range before {
		if found[r] == nil {
			m.changes.note(r, "")
		}
	}
	for r, b := range found {
		if was := before[r]; was == nil || was.SHA256 != b.SHA256 || (was.Refusal == nil) != (b.Refusal == nil) {
			m.changes.note(r, "")
		}
	}
}

// found returns the result of the last scan. The caller must not change it.
func (m *Manager) found() map[discovery.Ref]*discovery.Binary {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.binaries
}

// Known returns the sorted names of all plugins of a kind.
func (m *Manager) Known(kind string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.knownLocked(kind)
}

func (m *Manager) knownLocked(kind string) []string {
	var names []string
	for r := range m.binaries {
		if r.Kind == kind {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// findLocked returns the plugin's binary. It returns an error if the plugin does not exist
// or must not be run. Locked: mu is held.
func (m *Manager) findLocked(r discovery.Ref) (*discovery.Binary, error) {
	if m.closing {
		return nil, m.stopped()
	}
	b, ok := m.binaries[r]
	if !ok {
		return nil, &config.UnknownPluginError{Kind: r.Kind, Name: r.Name, Known: m.knownLocked(r.Kind), Missing: m.missing}
	}
	if b.Refusal != nil {
		return nil, &fault.Error{
			Class: fault.PluginUnavailable, Party: fault.PartyHost,
			Message: fmt.Sprintf("the %s is refused by this host", r), Err: b.Refusal,
		}
	}
	return b, nil
}

// stopped returns the error for calls of a manager that is being closed.
func (m *Manager) stopped() error {
	return fault.New(fault.PluginUnavailable, "the host is stopping").By(fault.PartyHost)
}
