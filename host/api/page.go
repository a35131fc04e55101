package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk"
)

// turnBytes returns the maximum size in bytes of a turn under the tenant's limits.
func turnBytes(l config.Limits) int64 {
	const beside = sdk.MaxProviderStateBytes + sdk.MaxRecordBytes + sdk.MaxMetadataBytes + sdk.MaxReasonBytes
	return int64(l.MessageBytes) + int64(l.ReplyBytes) + beside
}

// pageBytes returns the maximum size in bytes of a page with that number of turns. A page ends with
// the turn that brings the page to sdk.MaxPageBytes.
func pageBytes(l config.Limits, turns int) int64 {
	one := turnBytes(l)
	return min(int64(turns)*one, sdk.MaxPageBytes+one)
}

// holdPage takes the bytes of a page from the limit for answers. Handlers call it before they read
// the page, and must release the share.
func holdPage(w http.ResponseWriter, r *http.Request, bytes int64) (*fairshare.Share, error) {
	x, ok := w.(*exchange)
	if !ok || x.answers == nil {
		return nil, nil
	}
	return x.answers.Acquire(r.Context(), x.chargedTenant, bytes)
}

// resize changes the share to the number of bytes that were read. The number may be larger than the
// share, because a turn may be older than the current limits of the tenant.
func resize(share *fairshare.Share, bytes int64) error {
	if more := bytes - share.Amount(); share != nil && more > 0 {
		return share.Grow(more)
	}
	share.Shrink(bytes)
	return nil
}

// elements describes the list in a response. writeList writes one element after the other.
type elements struct {
	name  string // the name of the list's field
	size  int    // the number of elements
	write func(i int, to io.Writer) error
	// bytes returns the total size in bytes of the elements from i to the end.
	bytes func(i int) int64
}

// writeList responds with the JSON of around, and inserts the elements into its list. The list in
// around must be empty. writeList releases bytes of the share as it writes the elements.
func writeList(w http.ResponseWriter, around any, l elements, share *fairshare.Share) error {
	outer, err := encodeJSON(around)
	if err != nil {
		return err
	}
	// A text in around cannot contain the pattern, because JSON escapes quotes in a text.
	before, after, found := bytes.Cut(outer, fmt.Appendf(nil, "%q:[]", l.name))
	if !found {
		return fmt.Errorf("the answer has no empty list %q", l.name)
	}
	a := &response{w: w, status: http.StatusOK, contentType: "application/json", stall: stallOf(w)}
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

// replaceLongTexts returns a copy of the messages with placeholders for long texts, in the order in
// which the fields are encoded. See jsonstream.LongTexts.
func replaceLongTexts(messages []Message, long *jsonstream.LongTexts) []Message {
	out := make([]Message, len(messages))
	for i, m := range messages {
		m.Content = long.Replace(m.Content)
		m.Parts = long.ReplaceParts(m.Parts)
		out[i] = m
	}
	return out
}

// sizeFrom returns a function that returns the total size of the elements from index i to the end.
func sizeFrom(n int, size func(i int) int) func(int) int64 {
	sums := make([]int64, n+1)
	for i := n - 1; i >= 0; i-- {
		sums[i] = sums[i+1] + int64(size(i))
	}
	return func(i int) int64 { return sums[i] }
}

// write writes the turn as JSON, without copying its long texts.
func (t Turn) write(w io.Writer) error {
	var long jsonstream.LongTexts
	t.Messages = replaceLongTexts(t.Messages, &long)
	return long.Write(w, t)
}
