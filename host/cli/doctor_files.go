package cli

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/trust"
)

// key says where the host's key is, or will be created.
func (d *doctor) key(h *config.Host) {
	file := filepath.Join(d.settings.DataDir, "host.key")
	switch {
	case d.settings.HostKey != "":
		d.add(levelOK, "key", "host_key", "is "+d.settings.HostKey)
	case isFile(file):
		d.add(levelOK, "key", file, "keep a copy of it: what the host seals opens with it alone")
	default:
		d.add(levelOK, "key", file, "is made at the first start; keep a copy of it then")
	}
}

// isFile reports whether the path is a regular file.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// secrets adds a warning for each file with a secret that every user of the machine may read.
func (d *doctor) secrets(ctx context.Context, f *hostFlags) {
	told := map[string]bool{}
	tell := func(path string, mode fs.FileMode) {
		if told[path] {
			return
		}
		told[path] = true
		d.add(levelWarning, "files", path, fmt.Sprintf("has mode %04o: every user of this machine may read the secret in it", mode))
		d.addRemedy("chmod o= " + trust.Quote(path))
	}
	h, err := config.LoadHost(config.LoadOptions{File: f.config, Overlay: f.overlay, Environ: os.Environ(), OpenToAll: tell})
	if err == nil {
		_, _ = h.Tokens() // errors of the tokens are already among the problems of addFiles
	}
	if file := d.settings.TLS.KeyFile; file != "" {
		if mode, open := readfile.WorldReadable(ctx, file); open {
			tell(file, mode)
		}
	}
}

// certificateWarning is how long before the end of a certificate the doctor begins to warn.
const certificateWarning = 14 * 24 * time.Hour

// certificate checks that the TLS certificate is valid now and in the near future.
func (d *doctor) certificate() {
	file := d.settings.TLS.CertFile
	if file == "" {
		return
	}
	text, err := readfile.Read(context.Background(), file, 1<<20)
	if err != nil {
		return // The error is already among the problems of addFiles.
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return
	}
	until := cert.NotAfter.UTC().Format(time.DateTime) + " UTC"
	switch {
	case d.now.After(cert.NotAfter):
		d.add(levelProblem, "tls", file, "the certificate ended at "+until)
	case d.now.Before(cert.NotBefore):
		d.add(levelProblem, "tls", file, "the certificate begins at "+cert.NotBefore.UTC().Format(time.DateTime)+" UTC; is the clock right?")
	case cert.NotAfter.Sub(d.now) < certificateWarning:
		d.add(levelWarning, "tls", file, "the certificate ends at "+until)
	default:
		d.add(levelOK, "tls", file, "the certificate is good until "+until)
	}
}

// maxDataFiles bounds how many files in data_dir the doctor checks.
const maxDataFiles = 10_000

// data checks that only the host and its plugins can read and change data_dir.
func (d *doctor) data() {
	dir := d.settings.DataDir
	info, err := os.Stat(dir)
	if dir == "" || err != nil {
		return
	}
	inReach := info.Mode().Perm()&0o001 != 0 // other users of the machine can open files in data_dir
	looked, told := 0, 0
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if looked++; looked > maxDataFiles || told >= 20 || err != nil {
			return fs.SkipAll
		}
		info, err := e.Info()
		if err != nil || info.Mode()&fs.ModeSymlink != 0 || path == dir {
			return nil
		}
		if info.ModTime().After(d.now.Add(time.Minute)) && told == 0 {
			told++
			d.add(levelWarning, "machine", path, "was changed in the future: the clock of this machine is behind, or was ahead")
		}
		mode := info.Mode().Perm()
		switch {
		case mode&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
			told++
			d.add(levelWarning, "files", path, fmt.Sprintf("has mode %04o: every user of this machine may change it", mode))
		case info.Mode().IsRegular() && mode&0o004 != 0 && inReach:
			told++
			d.add(levelWarning, "files", path, fmt.Sprintf("has mode %04o: every user of this machine may read it", mode))
		default:
			return nil
		}
		d.addRemedy("chmod o= " + trust.Quote(path))
		return nil
	})
}
