package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
)

// Preflight says for what a host with these options would refuse the settings of its
// files at its start, beyond what the files say by themselves: folders that it cannot
// use, a key that it cannot read, and whatever Options.Preflight adds. It writes
// nothing. Open asks it first, and so does who only checks.
func Preflight(o Options, files config.Settings) error {
	s := o.over(files)
	var errs []error
	if o.keeps() {
		errs = append(errs, usable(s.DataDir), usable(filepath.Join(s.DataDir, lastGood)), secret.CheckKeyFile(keyFile(s)))
	}
	for _, dir := range s.TenantDirs {
		if _, err := os.ReadDir(dir); err != nil {
			errs = append(errs, fmt.Errorf("tenant_dirs: %w", err))
		}
	}
	if o.Preflight != nil {
		errs = append(errs, o.Preflight(s))
	}
	return errors.Join(errs...)
}

// usable says why the host cannot keep files in the folder below data_dir. One that is
// not there has to be possible to make.
func usable(dir string) error {
	at, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	for {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, os.ErrNotExist) && at != filepath.Dir(at):
			at = filepath.Dir(at)
			continue
		case err != nil:
			return fmt.Errorf("data_dir: %w", err)
		case !info.IsDir():
			return fmt.Errorf("data_dir: %s is not a folder", at)
		}
		const write, search = 2, 1
		if err := syscall.Access(at, write|search); err != nil {
			return fmt.Errorf("data_dir: %s cannot be written to: %w", at, err)
		}
		return nil
	}
}
