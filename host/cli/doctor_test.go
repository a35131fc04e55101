package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDoctor_certificate(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for want, days := range map[string][2]int{
		"problem the certificate ended at 2026-11-30":  {-10, -1},
		"problem the certificate begins at 2026-12-02": {1, 100},
		"warning the certificate ends at 2026-12-04":   {-10, 3},
		"ok the certificate is good until 2027-01-10":  {-10, 40},
	} {
		t.Run(want, func(t *testing.T) {
			template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.AddDate(0, 0, days[0]), NotAfter: now.AddDate(0, 0, days[1])}
			der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
			if err != nil {
				t.Fatal(err)
			}
			d := &doctor{now: now}
			d.settings.TLS.CertFile = filepath.Join(t.TempDir(), "cert.pem")
			if err := os.WriteFile(d.settings.TLS.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
				t.Fatal(err)
			}
			d.certificate()
			if len(d.found) != 1 || !strings.HasPrefix(d.found[0].Level+" "+d.found[0].What, want) {
				t.Errorf("%+v; want %s", d.found, want)
			}
		})
	}
}

func TestDoctor_memory(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{"max\n": "ok memory is not bounded", "67108864\n": "warning memory is bounded to 64 MiB", "1073741824": "ok memory is bounded to 1 GiB"} {
		t.Run(want, func(t *testing.T) {
			file := filepath.Join(dir, "memory.max")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			d := &doctor{}
			d.memory(filepath.Join(dir, "none"), file)
			if len(d.found) != 1 || !strings.HasPrefix(d.found[0].Level+" "+d.found[0].What, want) {
				t.Errorf("%+v; want %s", d.found, want)
			}
		})
	}
}

// TestDoctor_data checks that the doctor warns of files in data_dir that other users of the
// machine can read or change. A file that other users can only read is no problem if they
// cannot open data_dir.
func TestDoctor_data(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"private": 0o600, "group": 0o660, "open": 0o644, "free": 0o666} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for mode, want := range map[os.FileMode]string{0o755: "free open", 0o700: "free"} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
			d := &doctor{now: time.Now()}
			d.settings.DataDir = dir
			d.data()
			var got []string
			for _, one := range d.found {
				got = append(got, filepath.Base(one.Where))
				if one.Level != levelWarning || one.Remedy == "" {
					t.Errorf("%+v", one)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%04o: %q, want %q", mode, got, want)
			}
		})
	}
}
