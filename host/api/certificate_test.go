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
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
)

// makePair writes a certificate of its own for 127.0.0.1.
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

// TestCertificatesAreReplaced without a restart, and what is no pair is not used.
func TestCertificatesAreReplaced(t *testing.T) {
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
		now = now.Add(lookEvery)
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
	writeFile(t, dir, "key.pem", string(key)) // of the first
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
		t.Error("the files are looked at with each connection")
	}
	expect("after all that", third)
}

func TestCertificatesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	files := config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	if _, err := loadCertificate(files, nil); err == nil || !strings.Contains(err.Error(), "tls.cert_file") || !strings.Contains(err.Error(), "cert.pem") {
		t.Error(err)
	}
}

// TestOldTLSIsRefused: versions before 1.2 are.
func TestOldTLSIsRefused(t *testing.T) {
	dir := t.TempDir()
	makePair(t, dir, "x")
	var log logText
	c, err := loadCertificate(config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}, log.logger())
	if err != nil {
		t.Fatal(err)
	}
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		client, server := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- tls.Server(server, c.settings()).Handshake() }()
		err := tls.Client(client, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version}).Handshake()
		_ = client.Close()
		<-done
		_ = server.Close()
		if (err == nil) != ok {
			t.Errorf("version %x: %v", version, err)
		}
	}
}
