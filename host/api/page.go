package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/host/quota"
	"github.com/botyard/botyard/sdk"
)

// turnBytes is the most that a turn of the tenant has as it is today.
func turnBytes(l config.Limits) int64 {
	const beside = sdk.MaxSignatureBytes + sdk.MaxRecordBytes + sdk.MaxMetadataBytes + sdk.MaxReasonBytes
	return int64(l.MessageBytes) + int64(l.ReplyBytes) + beside
}

// pageBytes is the most that a page of so many turns has: it ends with the turn that
// makes it sdk.MaxPageBytes.
func pageBytes(l config.Limits, turns int) int64 {
	one := turnBytes(l)
	return min(int64(turns)*one, sdk.MaxPageBytes+one)
}

// holdPage takes the bytes of a page before it is read. The caller releases them.
func holdPage(w http.ResponseWriter, r *http.Request, bytes int64) (*quota.Share, error) {
	x, ok := w.(*exchange)
	if !ok || x.answers == nil {
		return nil, nil
	}
	return x.answers.Take(r.Context(), x.payer, bytes)
}

// resize has the share be what was read, which may be more than today's limits allow.
func resize(share *quota.Share, bytes int64) error {
	if more := bytes - share.Amount(); share != nil && more > 0 {
		return share.Grow(more)
	}
	share.Shrink(bytes)
	return nil
}

// elements is an answer with a list in it, which is written one element after the other.
type elements struct {
	name  string // of its field, which is empty in around
	size  int    // elements
	write func(i int, to io.Writer) error
	// bytes are those that the elements from i on hold.
	bytes func(i int) int64
}

// writeList answers with around, and the elements of the list in it. Of what is written
// the bytes are given back.
func writeList(w http.ResponseWriter, around any, l elements, share *quota.Share) error {
	outer, err := encode(around)
	if err != nil {
		return err
	}
	// Within a text the quotes would have a backslash before them.
	before, after, found := bytes.Cut(outer, fmt.Appendf(nil, "%q:[]", l.name))
	if !found {
		return fmt.Errorf("the answer has no empty list %q", l.name)
	}
	a := &answer{w: w, status: http.StatusOK, contentType: "application/json", stall: stallOf(w)}
	_, err = fmt.Fprintf(a, "%s%q:[", before, l.name)
	for i := 0; i < l.size && err == nil; i++ {
		share.Shrink(l.bytes(i))
		if i > 0 {
			_, err = io.WriteString(a, ",")
		}
		if err == nil {
			err = l.write(i, a)
		}
	}
	if err == nil {
		_, err = fmt.Fprintf(a, "]%s\n", after)
	}
	a.end(err)
	return nil
}

// shelve gives the messages with their long texts on the shelf, in the order in which
// JSON has them.
func shelve(messages []Message, long *jsonstream.Shelf) []Message {
	out := make([]Message, len(messages))
	for i, m := range messages {
		m.Content = long.Put(m.Content)
		m.Parts = long.ShelveParts(m.Parts)
		out[i] = m
	}
	return out
}

// sizeFrom gives what the elements from each index on have together.
func sizeFrom(n int, size func(i int) int) func(int) int64 {
	sums := make([]int64, n+1)
	for i := n - 1; i >= 0; i-- {
		sums[i] = sums[i+1] + int64(size(i))
	}
	return func(i int) int64 { return sums[i] }
}

// write writes the turn as JSON, piece by piece.
func (t Turn) write(w io.Writer) error {
	var long jsonstream.Shelf
	t.Messages = shelve(t.Messages, &long)
	return long.Write(w, t)
}
