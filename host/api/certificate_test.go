package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
)

// makePair writes a self-signed certificate for 127.0.0.1 and its key into the folder.
func makePair(t *testing.T, dir, name string) (certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	writeFile(t, dir, "cert.pem", string(certificate))
	writeFile(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	return der
}

// TestCertificate_isReplaced checks that the server uses changed files without a restart, and
// ignores a certificate and a key that do not match.
func TestCertificate_isReplaced(t *testing.T) {
	dir := t.TempDir()
	first := makePair(t, dir, "first")
	var log logText
	c, err := loadCertificate(config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}, log.logger())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	expect := func(what string, der []byte) {
		t.Helper()
		now = now.Add(fileCheckInterval)
		pair, err := c.get(nil)
		if err != nil || !bytes.Equal(pair.Certificate[0], der) {
			t.Errorf("%s: another certificate, %v", what, err)
		}
	}
	expect("unchanged", first)
	key, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	second := makePair(t, dir, "second")
	newKey, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "key.pem", string(key)) // the certificate is still the first certificate
	expect("half a change", first)
	writeFile(t, dir, "key.pem", string(newKey))
	expect("the whole change", second)
	writeFile(t, dir, "cert.pem", "not PEM")
	expect("no certificate", second)
	if err := os.Remove(filepath.Join(dir, "cert.pem")); err != nil {
		t.Fatal(err)
	}
	expect("no file", second)
	if text := log.String(); strings.Count(text, "is not used") < 2 || strings.Contains(text, "PRIVATE") {
		t.Error(text)
	}
	third := makePair(t, dir, "third")
	if pair, _ := c.get(nil); !bytes.Equal(pair.Certificate[0], second) {
		t.Error("the files are checked for each connection")
	}
	expect("after all that", third)
}

func TestCertificate_invalidFiles(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	makePair(t, dir, "x")
	writeFile(t, dir, "large", "")
	if err := errors.Join(syscall.Mkfifo(in("pipe"), 0o600), os.Truncate(in("large"), 1<<30), os.Mkdir(in("folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"nothing": "no such file", "pipe": "not a regular file", "folder": "not a regular file", "large": "has 1073741824 bytes; expected at most 1048576",
	} {
		for key, files := range map[string]config.TLS{
			"tls.cert_file": {CertFile: in(name), KeyFile: in("key.pem")}, "tls.key_file": {CertFile: in("cert.pem"), KeyFile: in(name)},
		} {
			t.Run(key+" "+name, func(t *testing.T) {
				_, err := loadCertificate(files, nil)
				if err == nil || !strings.HasPrefix(err.Error(), key+": ") || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), want) {
					t.Errorf("%+v: %v", files, err)
				}
			})
		}
	}
}

// TestCertificate_becomesAPipe checks that new connections still get the certificate when its key
// file becomes a pipe.
func TestCertificate_becomesAPipe(t *testing.T) {
	dir := t.TempDir()
	was := makePair(t, dir, "x")
	var log logText
	c, err := loadCertificate(config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}, log.logger())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "key.pem")), syscall.Mkfifo(filepath.Join(dir, "key.pem"), 0o600)); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	for range 3 {
		now = now.Add(fileCheckInterval)
		if pair, err := c.get(nil); err != nil || !bytes.Equal(pair.Certificate[0], was) {
			t.Errorf("another certificate, %v", err)
		}
	}
	if text := log.String(); strings.Count(text, "is not used") != 1 || !strings.Contains(text, "not a regular file") {
		t.Error(text)
	}
	// While one connection checks the files, other connections get the previous certificate.
	now = now.Add(fileCheckInterval)
	if !c.due() {
		t.Fatal("due returns false although the files must be checked")
	}
	now = now.Add(fileCheckInterval)
	if pair, err := c.get(nil); err != nil || !bytes.Equal(pair.Certificate[0], was) || c.due() {
		t.Errorf("two connections check the files at once, %v", err)
	}
}

// TestCertificate_oldTLS checks that TLS versions before 1.2 are refused.
func TestCertificate_oldTLS(t *testing.T) {
	dir := t.TempDir()
	makePair(t, dir, "x")
	var log logText
	c, err := loadCertificate(config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}, log.logger())
	if err != nil {
		t.Fatal(err)
	}
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			client, server := net.Pipe()
			done := make(chan error, 1)
			go func() { done <- tls.Server(server, c.tlsConfig()).Handshake() }()
			err := tls.Client(client, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version}).Handshake()
			_ = client.Close()
			<-done
			_ = server.Close()
			if (err == nil) != ok {
				t.Errorf("the handshake returns %v", err)
			}
		})
	}
}
