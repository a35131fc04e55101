package hostile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// Postgres accepts connections on the listener until the listener is closed. The connections get the eight
// hostile replies in rotation.
func Postgres(l net.Listener) error {
	replies := []func(net.Conn) error{hugeMessage, hugeError, notices, parameters, dripping, scram, silent, notPostgres}
	var n atomic.Int64
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			if err := readStartup(conn); err == nil {
				_ = replies[int(n.Add(1))%len(replies)](conn)
			}
		}()
	}
}

// readStartup reads the client's startup message. If the client first asks for TLS or GSS encryption,
// readStartup refuses the encryption.
func readStartup(conn net.Conn) error {
	for {
		var head [8]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		size, code := binary.BigEndian.Uint32(head[:4]), binary.BigEndian.Uint32(head[4:])
		if size < 8 || size > 64<<10 {
			return errors.New("no Postgres client")
		}
		if _, err := io.CopyN(io.Discard, conn, int64(size)-8); err != nil {
			return err
		}
		const tls, gss = 80877103, 80877104
		if code != tls && code != gss {
			return nil
		}
		if _, err := conn.Write([]byte("N")); err != nil {
			return err
		}
	}
}

// message returns a message of the Postgres protocol: its kind, its length and its body.
func message(kind byte, body string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	return append(b, body...)
}

var authenticated = message('R', "\x00\x00\x00\x00")

// repeat writes b again and again, with the pause every between two writes, until the client closes the
// connection.
func repeat(conn net.Conn, b []byte, every time.Duration) error {
	for {
		if _, err := conn.Write(b); err != nil {
			return err
		}
		time.Sleep(every)
	}
}

// hugeMessage announces a message of 1 GiB and sends the message slowly.
func hugeMessage(conn net.Conn) error {
	_, _ = conn.Write([]byte{'R', 0x40, 0, 0, 0})
	return repeat(conn, bytes.Repeat([]byte("x"), 32<<10), pace)
}

func hugeError(conn net.Conn) error {
	_, err := conn.Write(message('E', "SFATAL\x00C28P01\x00M"+strings.Repeat("no ", 4<<20)+"\x00\x00"))
	return err
}

func notices(conn net.Conn) error {
	_, _ = conn.Write(authenticated)
	return repeat(conn, message('N', "SNOTICE\x00C00000\x00M"+strings.Repeat("well ", 1000)+"\x00\x00"), pace)
}

func parameters(conn net.Conn) error {
	_, _ = conn.Write(authenticated)
	return repeat(conn, message('S', strings.Repeat("name", 1000)+"\x00"+strings.Repeat("value", 1000)+"\x00"), pace)
}

// dripping sends a message of 1 MiB, one byte every 100 ms.
func dripping(conn net.Conn) error {
	_, _ = conn.Write([]byte{'R', 0, 0x10, 0, 0})
	return repeat(conn, []byte("x"), 100*time.Millisecond)
}

// scram starts a SCRAM login that demands two thousand million rounds of hashing from the client.
func scram(conn net.Conn) error {
	_, _ = conn.Write(message('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"))
	b := make([]byte, 4<<10)
	n, err := conn.Read(b)
	if err != nil {
		return err
	}
	_, nonce, ok := bytes.Cut(b[:n], []byte("r="))
	if !ok {
		return errors.New("no nonce")
	}
	_, err = conn.Write(message('R', "\x00\x00\x00\x0br="+string(nonce)+"x,s=c2FsdA==,i=2000000000"))
	if err != nil {
		return err
	}
	return silent(conn)
}

func silent(conn net.Conn) error {
	_, err := io.Copy(io.Discard, conn)
	return err
}

func notPostgres(conn net.Conn) error {
	return repeat(conn, []byte("HTTP/1.1 200 OK\r\n\r\n"), pace)
}
